import { inside, must, type Result, sql, world } from "./lab.js";

/** What `test_pg_failover.sh --json` says of one run; seconds, and null where it does not apply. */
export interface FailoverRun {
  node: string;
  newPrimary: string | null;
  firstWriteSeconds: number | null;
  survivorWriteSeconds: number | null;
  gapSeconds: number | null;
  detectionSeconds: number | null;
  demotionSeconds: number | null;
  promotionSeconds: number | null;
  clientSeconds: number | null;
  isolatedStopSeconds: number | null;
  recoverySeconds: number | null;
  history: { acknowledged: number; lost: number; doubled: number; unasked: number } | null;
  verdict: "pass" | "fail";
  reason: string;
}

/** Runs the failover test on the drill host as a person would; `run` is its only run, if there was one. */
export async function failoverTest(mode: string): Promise<Result & { run: FailoverRun | undefined }> {
  const result = await inside(world.host.name, `/usr/local/bin/test_pg_failover.sh --mode ${mode} --json`);
  const runs = result.stdout.trim() ? (JSON.parse(result.stdout) as { runs: FailoverRun[] }).runs : [];
  const run = runs[0];
  if (run)
    console.log(
      `${mode}: first write at the URI after ${run.firstWriteSeconds} s (detection ${run.detectionSeconds}, demotion ${run.demotionSeconds}, promotion ${run.promotionSeconds}, client ${run.clientSeconds}), longest gap ${run.gapSeconds} s, healthy again ${run.recoverySeconds} s after the repair`,
    );
  return { ...result, run };
}

/** What the failover test left behind; nothing when it cleaned up. */
export async function leftovers(node: string): Promise<string> {
  const folder = await inside(
    "pgaf-monitor",
    "ls -d /run/restorable-failover-test; systemctl list-units --plain --no-legend 'restorable-failover-test-*'",
  );
  const there = await must(
    node,
    "ls -d /run/restorable-failover-test 2>/dev/null; tc qdisc show | grep -E 'bfifo' || true",
  );
  const schema = await sql(node, "SELECT count(*) FROM pg_namespace WHERE nspname = 'restorable_failover_test'");
  return [folder.stdout.trim(), there, schema === "0" ? "" : "schema"].filter(Boolean).join("\n");
}
