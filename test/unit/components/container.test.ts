import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { IncusContainer, type IncusContainerArgs } from "../../../components/IncusContainer.js";
import type { IncusHost } from "../../../components/IncusHost.js";
import { type Facts, parseFacts } from "../../../remote/facts.js";
import { named, type Registered, Secret, settled, startEngine } from "./engine.js";
import { type HostOptions, settingsIn, testHost, words } from "./fixture.js";

let registered: Registered[];

beforeAll(async () => {
  registered = await startEngine("test");
});

beforeEach(() => {
  registered.length = 0;
});

const args = (host: IncusHost): IncusContainerArgs => ({
  host,
  image: "debian",
  address: "10.1.1.12",
  cpu: 2,
  memory: "1GiB",
});

async function container(options: HostOptions = {}, more: Partial<IncusContainerArgs> = {}) {
  const made = new IncusContainer("box", { ...args(testHost(options)), ...more });
  made.step("box-node", { script: "pg-node", settings: { A: "it's" }, secrets: { B: "hush'd\n" } }, { parent: made });
  await settled();
  return { made: named(registered, "box-container"), inside: named(registered, "box-node") };
}

const looked = (...lines: string[]): Facts => ({
  known: true,
  facts: parseFacts(lines.map((line) => line.replaceAll(" ", "\t")).join("\n")),
});

const generation = (step: Registered) => {
  const all = words(step.inputs.create);
  return Number(all[all.indexOf("--generation") + 1]);
};

describe("IncusContainer", () => {
  it("keeps its data by default", async () => {
    const { made } = await container();
    expect(settingsIn(made)).toEqual({
      NAME: "box",
      IMAGE: "debian",
      POOL: "pool",
      NETWORK: "bridge0",
      ADDRESS: "10.1.1.12",
      CPU: "2",
      MEMORY: "1GiB",
      DATA_SIZE: "",
      DATA_PATH: "",
    });
    expect(words(made.inputs.delete)[0]).toBe("incus-container-remove");
    expect(words(made.inputs.delete)).toContain("KEEP_DATA=true");
  });

  it("X13: has a data volume with a size limit, which goes with the container only where that is asked for", async () => {
    const { made } = await container({}, { data: { size: "4GiB", path: "/data" }, keepData: false });
    expect(settingsIn(made)).toMatchObject({ DATA_SIZE: "4GiB", DATA_PATH: "/data" });
    expect(words(made.inputs.delete)).toEqual(expect.arrayContaining(["DATA_SIZE=4GiB", "KEEP_DATA=false"]));
  });

  it("quotes every setting, and keeps secrets off the command", async () => {
    const { inside } = await container();
    expect(settingsIn(inside).A).toBe("it's");
    expect(inside.inputs.stdin).toEqual(new Secret("B='hush'\\''d\n'\n"));
    expect(JSON.stringify([inside.inputs.create, inside.inputs.delete])).not.toContain("hush");
    expect(inside.inputs.logging).toBe("stderr");
  });

  it("goes through sudo for a user that is not root, its arguments intact", async () => {
    const { inside } = await container({ user: "deploy" });
    expect(String(inside.inputs.create)).toMatch(/^sudo -n sh -c '/);
    const asRoot = String(inside.inputs.create).replace("sudo -n sh -c", "printf %s");
    const { execFileSync } = await import("node:child_process");
    const inner = execFileSync("sh", ["-c", asRoot], { encoding: "utf8" });
    expect(words(inner)).toContain("A=it's");
  });
});

describe("drift", () => {
  const running = "instance box uuid1 RUNNING";
  const all = (node: string) => ["step host tools 1 ok", "step box incus-container 1 ok", `step box pg-node ${node}`];

  it("leaves everything as it was when all stands", async () => {
    const { made, inside } = await container({ facts: looked(running, ...all("1 ok")), lastKnown: {} });
    expect([generation(made), generation(inside)]).toEqual([1, 1]);
    expect(settingsIn(inside).INCARNATION).toBe("debian/1");
  });

  it("repeats only the step whose file was changed by another hand", async () => {
    const { made, inside } = await container({ facts: looked(running, ...all("1 altered:/etc/x")), lastKnown: {} });
    expect([generation(made), generation(inside)]).toEqual([1, 2]);
    expect(settingsIn(inside).INCARNATION).toBe("debian/1");
  });

  it("makes a deleted container again, and with it every step inside", async () => {
    const gone = ["step host tools 1 ok", "step box incus-container 1 ok", "step box pg-node 1 gone"];
    const { made, inside } = await container({ facts: looked(...gone), lastKnown: {} });
    expect([generation(made), generation(inside)]).toEqual([2, 2]);
    expect(settingsIn(inside).INCARNATION).toBe("debian/2");
  });

  it("starts a stopped container through its own step", async () => {
    const { made } = await container({ facts: looked("instance box uuid1 STOPPED", ...all("1 ok")), lastKnown: {} });
    expect(generation(made)).toBe(2);
  });

  it("keeps the last known numbers when the host cannot be looked at", async () => {
    const lastKnown = { "alpha/box/incus-container": 3, "alpha/box/pg-node": 5 };
    const { made, inside } = await container({ facts: { known: false, reason: "no route" }, lastKnown });
    expect([generation(made), generation(inside)]).toEqual([3, 5]);
    expect(settingsIn(inside).INCARNATION).toBe("debian/3");
  });

  it("names another image in every step inside, since the container is replaced", async () => {
    const { inside } = await container({}, { image: "restorable-pg18" });
    expect(settingsIn(inside).INCARNATION).toBe("restorable-pg18/1");
  });
});

describe("IncusHost", () => {
  it("installs the scripts before the first step; a preview does not print them", async () => {
    const { made } = await container();
    const tools = named(registered, "alpha-tools");
    expect(made.dependencies).toEqual(["alpha-tools"]);
    expect(tools.inputs.stdin).toBeInstanceOf(Secret);
    expect(tools.inputs.create).toContain("bundlehash00");
  });

  it("refuses a step whose script is not there", () => {
    expect(() => testHost().step("x", { script: "no-such" }, {})).toThrow("no converge/no-such.sh in scripts/");
  });
});
