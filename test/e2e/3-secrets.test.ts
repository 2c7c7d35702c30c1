import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Change, drill, must, primary, pulumi, runLab, up, world } from "./lab.js";
import {
  knownSecrets,
  type Leak,
  leaksIn,
  leaksInContainers,
  leaksOnMachine,
  type Secrets,
  watchProcesses,
} from "./leaks.js";

/** Steps that get secrets: without their record the next update runs them again. */
const steps = ["pg-monitor", "pg-node", "pg-application", "pgbackrest-node", "object-store", "drill-host"];

const changed: Change = (config) => {
  config["restorable:backup"].compressLevel = 4;
  config["restorable:drill"].keepExpiryHours = 47;
};

const refused: Change = (config) => {
  changed(config);
  config["restorable:backup"].repositories[0].retentionFull = 3;
};

const unreachable: Change = (config) => {
  config["restorable:hosts"][0].port = 1;
};

let secrets: Secrets = {};
beforeAll(async () => {
  secrets = await knownSecrets();
});

it("knows what to look for", () => {
  const names = Object.keys(secrets);
  const own = ["repo1CipherPass", "repo1KeySecret", "appPassword", "repo2CipherPass", "offsiteWriterKeySecret"];
  for (const name of [...own, "exportsIdentity"].map((it) => `secrets-${it}`)) expect(names).toContain(name);
  expect(names).toContain("state passphrase");
  expect(names.length).toBeGreaterThanOrEqual(20);
  for (const name of names) expect(secrets[name]?.length, name).toBeGreaterThanOrEqual(16);
});

describe("each way of looking finds what is planted", () => {
  const planted = { planted: randomBytes(20).toString("hex") };
  const file = join(world.directory, "planted");
  const inState = join(world.directory, "state", "planted");

  beforeAll(async () => {
    writeFileSync(file, `${planted.planted}\n`, { mode: 0o644 });
    writeFileSync(inState, `{"secret":"${planted.planted}"}\n`, { mode: 0o600 });
    await must(
      "pgaf-replica",
      "umask 022; s=$(cat); echo $s >/var/tmp/planted; umask 077; echo x=$s >/var/log/planted; echo $s | systemd-cat",
      planted.planted,
    );
  });
  afterAll(async () => {
    rmSync(file);
    rmSync(inState);
    await must("pgaf-replica", "rm /var/tmp/planted /var/log/planted");
  });

  it("in a container: file, log, journal", async () => {
    const where = (await leaksInContainers(planted)).map((leak) => leak.where);
    for (const place of ["/var/tmp/planted", "/var/log/planted", "journal"])
      expect(where).toContain(`pgaf-replica ${place}`);
  });

  it("on the machine: file, state", async () => {
    const where = (await leaksOnMachine(planted)).map((leak) => leak.where);
    expect(where).toEqual(expect.arrayContaining([`machine ${file}`, `machine ${inState}`]));
  });

  it("in a process of a container: command line, environment", async () => {
    const watch = watchProcesses(planted);
    const script = `s=$(cat); bash -c 'sleep 1; :' "$s" & SECRET=$s sleep 1; wait`;
    await sleep(500);
    await must("pgaf-replica", script, planted.planted);
    const { leaks } = await watch.stop();
    expect(leaks).toEqual(
      expect.arrayContaining([
        { secret: "planted", where: "command line of bash" },
        { secret: "planted", where: "environment of sleep" },
      ]),
    );
  });

  it("in a text", () => {
    expect(leaksIn(planted, "text", `password=${planted.planted};`)).toEqual([{ secret: "planted", where: "text" }]);
  });
});

describe("while everything that handles a secret runs", () => {
  const outputs: Record<string, string> = {};
  let watched: { leaks: Leak[]; passes: number; processes: number };

  beforeAll(async () => {
    const watch = watchProcesses(secrets);
    try {
      const records = steps.map((step) => `/var/lib/restorable/*/steps/*/${step}`).join(" ");
      await must(world.host.name, `rm ${records}`);
      const note = async (name: string, wanted: boolean, ended: Promise<{ code: number; output: string }>) => {
        const started = Date.now();
        const { code, output } = await ended;
        console.log(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
        outputs[name] = output;
        if ((code === 0) !== wanted) throw new Error(`${name}: exit ${code}: ${output}`);
      };
      await note("preview", true, pulumi(["preview", "--diff"], changed));
      await note("update", true, up(changed));
      await note("failing step", false, up(refused));
      await note("unreachable host", false, up(unreachable));
      await note("update back", true, up());
      await note("drill", true, drill());
      const node = await primary();
      await must(node, "systemctl start pgbackrest-diff.service restorable-heartbeat.service");
      outputs.backup = await must(node, "systemctl status --no-pager pgbackrest-diff.service || true");
      outputs.export = (await pulumi(["stack", "export"])).output;
      outputs.history = (await pulumi(["stack", "history", "--json"])).output;
      outputs.configuration = (await pulumi(["config", "--json"])).output;
      outputs.outputs = (await runLab("outputs")).output;
    } finally {
      watched = await watch.stop();
    }
  });

  it("the steps with secrets ran, and those that had to fail did", () => {
    expect(outputs.update).toMatch(/~ 9 updated|~ 1\d updated/);
    expect(outputs["failing step"]).toContain("restorable:backup.allow.retentionCut");
    expect(outputs["unreachable host"]).toMatch(/refused/i);
    expect(watched.passes).toBeGreaterThan(50);
    expect(watched.processes).toBeGreaterThan(200);
  });

  it("no command line and no environment shows one", () => {
    expect(watched.leaks).toEqual([]);
  });

  it("no preview, update, error, drill, export or history shows one", () => {
    expect(Object.entries(outputs).flatMap(([name, text]) => leaksIn(secrets, name, text))).toEqual([]);
  });

  it("no log, no journal, no file in a container that others may read holds one", async () => {
    expect(await leaksInContainers(secrets)).toEqual([]);
  });

  it("no file on the machine that others may read, and nothing of the state, holds one", async () => {
    expect(await leaksOnMachine(secrets)).toEqual([]);
  });
});
