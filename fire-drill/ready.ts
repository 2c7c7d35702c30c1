import type { Lab } from "./lab.js";
import { deliverySeconds, type Row } from "./runner.js";
import type { Phase } from "./scenario.js";
import { switchSeconds } from "./settings.js";
import { archiveWal, backUp, lookAgain, passDrills } from "./shell.js";

/** Seconds that a lab gets to become quiet once it has the drill's settings. */
const quietSeconds = 180;

/** Ages beyond which a backup or a drill is made before: with short bounds they would be stale in the middle. */
const oldSeconds = { full: 4 * 3600, any: 1200, drill: 4 * 3600 };

/** A backup and a drill that stay fresh while minutes are seconds, and a ledger that knows of them. */
export async function freshen(lab: Lab, say: (line: string) => void): Promise<void> {
  const newest = async (expr: string) =>
    Math.max(Number.NEGATIVE_INFINITY, ...(await lab.ask(expr)).map(({ value }) => value));
  const age = async (type: string) =>
    newest(`time() - max by (repo) (restorable_repository_last_backup_timestamp_seconds{type=~"${type}"})`);
  const places = await lab.places();
  const full = (await age("full")) > oldSeconds.full;
  if (full || (await age("full|diff")) > oldSeconds.any) {
    say(`a fresh ${full ? "full" : "differential"} backup ...`);
    await lab.run({ in: "primary", run: backUp(full ? "full" : "diff") }, places);
  }
  const drilled = await newest('time() - {__name__=~".+_backup_drill_last_run_timestamp_seconds"}');
  if (!(drilled < oldSeconds.drill) || (await newest('1 - {__name__=~".+_backup_drill_last_success"}')) !== 0) {
    say("a restore drill ...");
    await lab.run({ in: "primary", run: archiveWal }, places);
    await lab.run({ in: "host", run: passDrills }, places);
  }
  await lab.run({ in: "host", run: lookAgain }, places);
}

/** Waits until nothing fires; undefined, or what still does. */
export async function whyNotWell(lab: Lab, say: (line: string) => void): Promise<string | undefined> {
  for (const begin = lab.now(); ; await lab.sleep(2000)) {
    const active = await lab.active();
    const names = new Set(
      active
        .filter(({ labels }) => labels.severity !== "none" && labels.severity !== "info")
        .map(({ labels, state }) => `${labels.alertname} (${[labels.instance, state].filter(Boolean).join(", ")})`),
    );
    if (names.size === 0) return undefined;
    const text = [...names].join(", ");
    if (lab.now() - begin > quietSeconds * 1000) return text;
    if (Math.round((lab.now() - begin) / 1000) % 20 === 0) say(`waiting for silence: ${text}`);
  }
}

/** The dead man's switch comes to its own receiver as long as all is well. */
export async function listenForSwitch(lab: Lab, _phase: Phase): Promise<Row> {
  const begin = lab.now();
  const limit = switchSeconds + deliverySeconds;
  const row = {
    alert: "DeadMansSwitch",
    scenario: "always",
    what: "nothing is broken",
    hearer: "deadMansSwitch",
  } as const;
  const heard = () => lab.deliveries.filter(({ labels, at }) => labels.alertname === row.alert && at >= begin);
  while (heard().length === 0 && lab.now() - begin < limit * 1000) await lab.sleep(500);
  const [first] = heard();
  const problems = [
    ...(first ? [] : [`was not delivered within ${limit} s`]),
    ...(first && first.receiver !== row.hearer ? [`was delivered to ${first.receiver}`] : []),
    ...(first ? [lab.runbookProblem(first.annotations.runbook_url)].filter((it) => it !== undefined) : []),
  ];
  return {
    ...row,
    ...(first ? { deliver: (first.at - begin) / 1000 } : {}),
    bound: limit,
    verdict: problems.length > 0 ? "failed" : "passed",
    problems,
  };
}
