import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drill, incus, inside, metric, metrics, metricsDirectory, must, world } from "./lab.js";
import { absentStanza, clear, container, containers, expectOutcome, start, type Trial, trial } from "./trial.js";

afterAll(async () => {
  for (const name of await containers()) await incus("delete", "--force", name);
  await clear();
});

describe("drills beside and after one another", () => {
  it("the lock refuses a second drill, which writes nothing; SIGTERM in the middle of the restore tears down", async () => {
    const first = await start();
    await first.reached("launch");
    const before = await metrics();
    const second = await drill();
    expect(second.code, second.output).toBe(2);
    expect(second.output).toContain("another drill is running");
    expect(second.metrics).toBe(before);
    await first.reached("disk");
    await first.signal("TERM");
    const { code, output } = await first.ended;
    expect(code, output).toBe(2);
    expect(output).toMatch(/^\?\? +restore .*interrupted/m);
    expectOutcome(await first.metrics(), "unverified");
    expect(await containers()).toEqual([]);
  });

  it("what a crashed drill left is removed first", async () => {
    const crashed = await start();
    await crashed.reached("prepare");
    await crashed.signal("KILL", "group");
    await crashed.ended;
    expect(await containers()).toEqual([container]);
    const { code, output } = await trial(absentStanza);
    expect(code, output).toBe(1);
    expect(output).toContain(`removed ${container} of an earlier run`);
    expect(await containers()).toEqual([]);
  });

  describe("--keep --json", () => {
    let kept = "";
    let result: Trial;
    beforeAll(async () => {
      result = await trial({ args: ["--keep", "--json"] });
    });

    it("prints one object on standard output, progress elsewhere", () => {
      const { code, stdout, output, metrics } = result;
      expect(code, output).toBe(0);
      expect(stdout.trim().split("\n")).toHaveLength(1);
      const printed = JSON.parse(stdout) as Record<string, unknown> & { steps: { name: string }[] };
      expect(printed).toMatchObject({ stanza: "main", repo: 1, outcome: "pass", reason: "none", exitCode: 0 });
      expect(printed).toMatchObject({ smokeRows: 1000, message: null, targetTime: null });
      expect(printed.keptContainer).toContain(`${container}-kept-`);
      expect(metric(metrics, "backup_drill_restore_duration_seconds")).toBe(printed.restoreDurationSeconds);
      expect(metric(metrics, "backup_drill_rpo_seconds")).toBe(printed.rpoSeconds);
      expect(printed.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(["launch", "restore", "teardown"]));
    });

    it("gives the container a name of its own, counts it, and its copy cannot archive", async () => {
      const names = await containers();
      kept = names[0] ?? "";
      expect(names).toHaveLength(1);
      expect(kept).toMatch(/^pg-restore-drill-kept-\d{8}t\d{6}z$/);
      expect(result.output).toContain(kept);
      expect(metric(result.metrics, "backup_drill_kept_containers")).toBe(1);
      const { stdout } = await incus(
        "file",
        "pull",
        `${kept}/var/lib/postgresql/${world.postgres.major}/pgaf/node/postgresql.auto.conf`,
        "-",
      );
      expect(stdout).toMatch(/^archive_mode = 'off'/m);
    });

    it("a later drill leaves it alone", async () => {
      const { output, metrics } = await trial(absentStanza);
      expect(output).not.toContain(kept);
      expect(await containers()).toEqual([kept]);
      expect(metric(metrics, "backup_drill_kept_containers")).toBe(1);
    });

    it("it goes after its time", async () => {
      const { output, metrics } = await trial({ ...absentStanza, env: { ...absentStanza.env, KEEP_EXPIRY_HOURS: 0 } });
      expect(output).toContain(`removed after 0 h: ${kept}`);
      expect(await containers()).toEqual([]);
      expect(metric(metrics, "backup_drill_kept_containers")).toBe(0);
    });
  });
});

describe("packages and reboots", () => {
  it("without the prepared image it installs the packages into the base image", async () => {
    const { code, output } = await trial({ env: { IMAGE: "absent", FALLBACK_IMAGE: world.postgres.image } });
    expect(code, output).toBe(0);
    expect(output).toContain("packages installed");
  });

  it("metrics survive a restart of the drill host, and its timer is armed again", async () => {
    const before = await metrics();
    expect(before).not.toBe("");
    expect((await incus("restart", world.host.name)).code).toBe(0);
    const served = `for i in $(seq 120); do curl -sf http://127.0.0.1:9100/metrics | grep -F backup_drill_last_success && exit 0; sleep 0.5; done; exit 1`;
    expect(await must(world.host.name, served)).toContain("veza_backup_drill_last_success");
    expect(await metrics()).toBe(before);
    expect((await inside(world.host.name, `ls ${metricsDirectory}`)).stdout).toContain("backup_drill");
    expect(await must(world.host.name, "systemctl is-active pgbackrest-drill.timer")).toBe("active");
  });
});
