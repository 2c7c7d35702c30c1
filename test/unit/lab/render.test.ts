import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { render, renderText } from "../../../lab/render.js";

const root = join(import.meta.dirname, "../../..");
const text = (...argv: string[]) => renderText(argv, root);

describe("renderText", () => {
  it.each(["lab", "prod"])("renders all of the shipped stack %s, placeholders or not, without a secret", (stack) => {
    const all = ["alerts", "dashboard", "pgbackrest.conf", "units"].map((what) => text(what, "--stack", stack));
    for (const it of all) {
      expect(it.length).toBeGreaterThan(100);
      expect(it).not.toMatch(/CHANGE_ME|cipher-pass|s3-key|<[a-z][^>]*>|undefined/);
    }
  });

  it("prints units as one map of path to content: data nodes' and the drill host's", () => {
    const units = parse(text("units", "--stack", "prod")) as Record<string, string>;
    const names = ["pg_autoctl.service"];
    for (const job of ["heartbeat", "after-failover", "monitor-copy", "archiving", "archiving-close"])
      names.push(`restorable-${job}.service`, `restorable-${job}.timer`);
    for (const job of ["drill-pitr", ...["full", "diff", "drill"].flatMap((name) => [name, `${name}-repo2`])])
      names.push(`pgbackrest-${job}.service`, `pgbackrest-${job}.timer`);
    names.push("restorable-immutability.service", "restorable-immutability.timer");
    expect(Object.keys(units).sort()).toEqual(names.map((name) => `/etc/systemd/system/${name}`).sort());
    for (const content of Object.values(units)) expect(content).toMatch(/^\[Unit\]\n[\s\S]*[^\n]\n$/);
  });

  it("takes the CPUs of the node that is named, the first one's otherwise", () => {
    const directory = mkdtempSync(join(tmpdir(), "render-"));
    try {
      const file = join(directory, "settings.yaml");
      const node = (last: number, cpu: number) => ({ name: `n${last}`, host: "h", address: `10.1.1.${last}`, cpu });
      const config = {
        "restorable:environment": "lab",
        "restorable:hosts": [{ name: "h", address: "10.1.1.9", hostKeyFile: "k", failureDomain: "d" }],
        "restorable:formation": { monitor: { host: "h", address: "10.1.1.1" }, nodes: [node(2, 3), node(3, 5)] },
        "restorable:backup": {
          repositories: [{ number: 1, endpoint: "s3.veza.fr", bucket: "bucket", failureDomain: "e" }],
        },
        "restorable:drill": { host: "h" },
        "restorable:generateSecrets": "true",
      };
      writeFileSync(file, JSON.stringify({ config }));
      const conf = (...more: string[]) => text("pgbackrest.conf", "--config-file", file, ...more);
      expect(conf()).toContain("process-max=3\n");
      expect(conf("--node", "n3")).toContain("process-max=5\n");
      expect(() => conf("--node", "n4")).toThrow("--node n4: the data nodes are n2, n3");

      const hidden = {
        ...config,
        "restorable:alerts": { secure: "v1:abc" },
        "restorable:appPassword": { secure: "x" },
      };
      writeFileSync(file, JSON.stringify({ config: hidden }));
      expect(() => conf()).toThrow(/^restorable:alerts: encrypted in .*rendering reads only what is plain$/);

      writeFileSync(file, JSON.stringify({ config: { ...config, "restorable:drill": { host: "<host>" } } }));
      expect(() => conf()).toThrow(/restorable:drill.host: "<host>" is still a placeholder/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("helps", () => expect(text("--help")).toMatch(/^Usage: npm run --silent render/));
});

describe("render", () => {
  let errors: string[];
  let printed: string;

  beforeEach(() => {
    errors = [];
    printed = "";
    vi.spyOn(console, "error").mockImplementation((line) => void errors.push(String(line)));
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
      printed += String(chunk);
      return true;
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  it("prints the file and nothing else", async () => {
    await render(["alerts", "--stack", "lab"]);
    expect(printed).toBe(text("alerts", "--stack", "lab"));
    expect({ errors, code: process.exitCode }).toEqual({ errors: [], code: undefined });
  });

  it.each<[string, string[], RegExp]>([
    [
      "nothing",
      ["--stack", "lab"],
      /what is to be rendered\? One of alerts, alertmanager\.yml, dashboard, prometheus\.yml, pgbackrest\.conf, cnpg-recovery, units/,
    ],
    ["something unknown", ["toString", "--stack", "lab"], /toString cannot be rendered, only alerts/],
    ["two things", ["alerts", "units", "--stack", "lab"], /one at a time: alerts, units/],
    ["no stack", ["alerts"], /--stack is missing: .*lab.*prod/],
    ["an unknown stack", ["alerts", "--stack", "test"], /there is no Pulumi\.test\.yaml, only .*lab/],
    ["an unknown option", ["alerts", "--stak", "lab"], /^restorable: Unknown option '--stak'; see --help$/],
    ["an unknown node", ["pgbackrest.conf", "--stack", "lab", "--node", "x"], /the data nodes are pgaf-primary/],
  ])("exits with 64 for %s, and prints nothing", async (_, argv, message) => {
    await render(argv);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
    expect({ printed, code: process.exitCode }).toEqual({ printed: "", code: 64 });
  });

  it("exits with 1 when the settings are wrong or missing", async () => {
    await render(["alerts", "--config-file", "/no/such/file"]);
    expect(errors[0]).toMatch(/\/no\/such\/file cannot be read/);
    expect(process.exitCode).toBe(1);
  });
});
