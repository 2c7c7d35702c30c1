import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { possibleProjects } from "../../../lab/hosts.js";
import { world } from "../../../lab/world.js";

const make = (name: string, subnet: string) => world({ name, subnet, root: "/checkout" });

describe("world", () => {
  it("names everything of a lab after it", () => {
    expect(make("ci", "10.88.1")).toMatchObject({
      directory: "/checkout/.lab/ci",
      incusProject: "restorable-ci",
      bridge: "rstci0",
      pool: "restorable-ci",
      host: { name: "lab-host", address: "10.88.1.10" },
    });
  });

  it("shares nothing but the cache and the stack's name between two labs", () => {
    const [one, other] = [make("one", "10.1.1"), make("other", "10.1.2")];
    for (const key of ["directory", "incusProject", "bridge", "pool"] as const) expect(one[key]).not.toBe(other[key]);
    expect(one.host.address).not.toBe(other.host.address);
    expect(one.cache).toBe(other.cache);
  });

  it("gives bridges names that a kernel takes: up to 15 characters", () => {
    expect(make("abcdefgh", "10.1.1").bridge.length).toBeLessThanOrEqual(15);
  });

  it.each(["", "Lab", "1lab", "my-lab", "abcdefghi", "a b", "../x"])("refuses the name %j", (name) => {
    expect(() => make(name, "10.1.1")).toThrow(/^--name .*1 to 8 lower-case letters or digits/);
  });

  it.each(["", "10.1", "10.1.1.0", "192.168.1", "10.1.x", "10.1.1/24"])("refuses the subnet %j", (subnet) => {
    expect(() => make("lab", subnet)).toThrow(/^--subnet .*three numbers, for example 10\.77\.0/);
  });
});

describe("a lab's hosts", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "world-"));
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const made = (hosts?: string) => world({ name: "ci", subnet: "10.1.1", root, hosts });
  const standing = (...names: string[]) => {
    mkdirSync(join(root, ".lab/ci"), { recursive: true });
    const list = names.map((name) => `    - name: ${name}\n`).join("");
    writeFileSync(join(root, ".lab/ci/Pulumi.lab.yaml"), `config:\n  restorable:hosts:\n${list}`);
  };

  it("is one, with two data nodes", () => {
    expect(made().hosts).toHaveLength(1);
    expect(made().dataNodes).toEqual(["pgaf-primary", "pgaf-replica"]);
  });

  it("are two when asked for, with a project, an address, a key and a failure domain each, and three data nodes", () => {
    const { hosts, host, incusProject, dataNodes } = made("2");
    expect(hosts.map(({ incusProject: project }) => project)).toEqual(["restorable-ci", "restorable-ci-2"]);
    for (const key of ["name", "address", "keyFile", "failureDomain"] as const)
      expect(hosts[0][key]).not.toBe(hosts[1]?.[key]);
    expect([host, incusProject]).toEqual([hosts[0], "restorable-ci"]);
    expect(dataNodes).toHaveLength(3);
    expect(possibleProjects("ci")).toEqual(["restorable-ci", "restorable-ci-2"]);
  });

  it("stay as many as the lab has", () => {
    standing("lab-host", "lab-host-2");
    expect(made().hosts).toHaveLength(2);
    expect(() => made("1")).toThrow("--hosts 1: this lab has 2 hosts; take it down first, or give another --name");
    standing("lab-host");
    expect(made().hosts).toHaveLength(1);
    expect(() => made("2")).toThrow("--hosts 2: this lab has one host");
  });

  it.each(["0", "3", "x", ""])("are not %j", (hosts) => {
    expect(() => made(hosts)).toThrow(`--hosts ${hosts}: 1 or 2`);
  });
});

describe("a lab's Postgres", () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "world-"));
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const major = (postgres?: string) => world({ name: "lab", subnet: "10.1.1", root, postgres }).postgres.major;

  it("is 17 unless another one is asked for, each from the Debian release that has it", () => {
    expect([major(), major("15"), major("17")]).toEqual([17, 15, 17]);
    expect(world({ name: "lab", subnet: "10.1.1", root, postgres: "15" }).postgres.release).toBe("bookworm");
  });

  it("stays what the lab has", () => {
    mkdirSync(join(root, ".lab/lab"), { recursive: true });
    writeFileSync(join(root, ".lab/lab/Pulumi.lab.yaml"), "config:\n  restorable:postgres:\n    major: 15\n");
    expect(major()).toBe(15);
    expect(() => major("17")).toThrow("--postgres 17: this lab has PostgreSQL 15; take it down first");
  });

  it.each(["16", "9.6", "x"])("refuses %s, which no Debian release here has", (postgres) => {
    expect(() => major(postgres)).toThrow(`--postgres ${postgres}: one of 17, 15`);
  });
});
