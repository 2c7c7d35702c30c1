import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Row } from "../../fire-drill/runner.js";
import { kept, must, pulumi, run, world } from "./lab.js";

/** Minutes, not more: what pages first when backups or formation are in danger. The whole drill is `npm run fire-drill`. */
const subset = ["store-stopped", "monitor-stopped", "standby-unseen", "replication-cut", "timer-stopped"];

const fireDrill = (...args: string[]) =>
  run([...["npm", "run", "--silent", "fire-drill", "--", "--name", world.name, "--subnet", world.subnet], ...args]);

describe("fire drill", () => {
  it("fires, delivers and goes silent; a dead store is one page", { timeout: 1_200_000 }, async () => {
    const before = await kept();
    const { code, stdout, output } = await fireDrill("--json", "--only", subset.join(","));
    const { rows } = JSON.parse(stdout || "{}") as { rows?: Row[] };
    expect(
      rows?.filter(({ verdict }) => verdict !== "passed"),
      output,
    ).toEqual([]);
    expect(code, output).toBe(0);
    const heard = rows?.map(({ alert, hearer }) => `${alert} ${hearer}`).sort();
    expect(heard).toEqual([
      "ArchivingStalled inhibited",
      "CommitsHanging pager",
      "DeadMansSwitch deadMansSwitch",
      "FormationDegraded pager",
      "MonitorDown pager",
      "RepositoryUnreachable pager",
      "RpoBoundBroken inhibited",
      "SyncReplicationLost pager",
      "TimerInactive pager",
    ]);
    console.log(rows?.map(({ alert, fire, deliver, resolve }) => [alert, fire, deliver, resolve].join(" ")).join("\n"));
    expect(await kept()).toMatchObject({ users: before.users, backups: expect.arrayContaining(before.backups) });
  });

  it("leaves settings and lab as they were", async () => {
    expect(existsSync(join(world.directory, "fire-drill.json"))).toBe(false);
    const { code, output } = await pulumi(["preview", "--expect-no-changes"]);
    expect(code, output).toBe(0);
  });

  it("without Prometheus nothing is broken: could not verify", async () => {
    await must("monitoring", "systemctl stop prometheus.service");
    try {
      const { code, output } = await fireDrill("--only", "store-stopped");
      expect(code, output).toBe(2);
      expect(output).toMatch(/:9090\/api\/v1\/alerts does not answer/);
      expect(await must("object-store", "systemctl is-active versitygw.service")).toBe("active");
    } finally {
      await must("monitoring", "systemctl start prometheus.service");
    }
  });

  it("--help, --list and wrong arguments", async () => {
    expect((await fireDrill("--help")).code).toBe(0);
    expect((await fireDrill("--list")).stdout).toMatch(
      /^store-stopped: the store is stopped\n {2}RepositoryUnreachable -> pager$/m,
    );
    const { code, output } = await fireDrill("--only", "NoSuchAlert");
    expect(code).toBe(64);
    expect(output).toContain("no such alert or scenario");
  });
});
