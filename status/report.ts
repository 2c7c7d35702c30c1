import type { Sample } from "./prometheus.js";
import type { Question } from "./questions.js";

export type Answers = Readonly<Record<Question, readonly Sample[]>>;

/** `well`: nothing to do. `wrong`: something is. `unknown`: nothing is known to be wrong, but not all could be seen. */
export type Verdict = "well" | "wrong" | "unknown";

export interface Report {
  readonly text: string;
  readonly verdict: Verdict;
}

/** Older than this, what the monitor said is no news, seconds. */
const formationStaleSeconds = 120;

/** The answers as a screen of text. What is missing is shown as `?` and is never counted as good. */
export function report(answers: Answers, source: string, now: Date): Report {
  const wrong: string[] = [];
  const unknown: string[] = [];
  const need = (what: string, value: number | undefined): number | undefined => {
    if (value === undefined || Number.isNaN(value)) unknown.push(what);
    return value;
  };
  const sections = [
    ["alerts", alerts(answers, wrong, unknown)],
    ["formation", formation(answers, wrong, unknown, need)],
    ["archiving", archiving(answers, need)],
    ["backups", backups(answers, wrong, unknown)],
    ["drills", drills(answers, wrong, unknown)],
    ["escrow", escrow(answers, wrong, unknown, now)],
    ["volumes", volumes(answers, unknown)],
    ["targets", targets(answers, wrong, unknown)],
  ] as const;
  const body = sections.flatMap(([title, lines]) =>
    lines.map((line, index) => `  ${(index === 0 ? title : "").padEnd(10)} ${line}`),
  );
  const verdict: Verdict = wrong.length > 0 ? "wrong" : unknown.length > 0 ? "unknown" : "well";
  const last = {
    well: "All is well.",
    wrong: `WRONG: ${wrong.join("; ")}.${unknown.length > 0 ? ` Not known: ${unknown.join("; ")}.` : ""}`,
    unknown: `NOT KNOWN: ${unknown.join("; ")}.`,
  }[verdict];
  const at = now.toISOString().replace("T", " ").replace(/\..*/, " UTC");
  return { text: [`restorable, by ${source}, ${at}`, "", ...body, "", last].join("\n"), verdict };
}

type Need = (what: string, value: number | undefined) => number | undefined;

const value = (samples: readonly Sample[], labels: Record<string, string> = {}) =>
  samples.find((sample) => Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted))?.value;

function alerts({ alerts, rulesLoaded }: Answers, wrong: string[], unknown: string[]): string[] {
  if (rulesLoaded.length === 0) {
    unknown.push("alerts (the dead man's switch does not fire: are the rules loaded?)");
    return ["? no rules are evaluated"];
  }
  if (alerts.length === 0) return ["none fires"];
  return alerts.map(({ labels }) => {
    const { alertname = "?", severity = "?", alertstate: _, __name__: __, page: ___, ...rest } = labels;
    if (severity !== "info") wrong.push(alertname);
    const where = Object.entries(rest).filter(([key]) => !["job", "stack", "environment", "role"].includes(key));
    return `${severity.padEnd(8)} ${alertname} ${where.map(([key, text]) => `${key}=${text}`).join(" ")}`.trimEnd();
  });
}

function formation(answers: Answers, wrong: string[], unknown: string[], need: Need): string[] {
  const primaries = need("primaries", value(answers.primaries));
  const standbys = need("synchronous standbys", value(answers.syncStandbys));
  const age = value(answers.formationAge);
  if (age === undefined || age > formationStaleSeconds) unknown.push(`the monitor's word is ${duration(age)} old`);
  if (primaries !== undefined && primaries !== 1) wrong.push(`${primaries} primaries`);
  if (standbys === 0) wrong.push("no synchronous standby");
  const nodes = answers.state.map(({ labels }) => {
    const { node = "?", reported = "?", assigned = "?" } = labels;
    const healthy = value(answers.healthy, { node });
    const health = healthy === 1 ? "healthy" : healthy === 0 ? "UNHEALTHY" : "health ?";
    if (healthy === 0) wrong.push(`${node} is unhealthy`);
    const lag = value(answers.replayLag, { standby: node });
    return [
      `  ${node.padEnd(16)} ${(reported === assigned ? reported : `${reported} -> ${assigned}`).padEnd(24)} ${health.padEnd(10)}`,
      `for ${duration(value(answers.stateAge, { node }))}`,
      ...(lag === undefined ? [] : [`lag ${bytes(lag)}`]),
    ].join("  ");
  });
  return [`${count(primaries)} primary, ${count(standbys)} synchronous`, ...nodes.sort()];
}

function archiving(answers: Answers, need: Need): string[] {
  const waiting = need("segments that wait", value(answers.readySegments));
  return [`${count(waiting)} segments wait, pg_wal ${bytes(value(answers.walBytes))}`];
}

function backups(answers: Answers, wrong: string[], unknown: string[]): string[] {
  if (answers.reachable.length === 0) unknown.push("repositories");
  const lines = answers.reachable.map(({ labels, value: reachable }) => {
    const { stanza = "?", repo = "?" } = labels;
    if (reachable !== 1) wrong.push(`repository ${repo} of ${stanza} does not answer`);
    const age = (type: string) => {
      const seconds = value(answers.backupAge, { stanza, repo, type });
      return seconds === undefined ? `no ${type}` : `${type} ${duration(seconds)} old`;
    };
    if (value(answers.backupAge, { stanza, repo, type: "full" }) === undefined)
      wrong.push(`repository ${repo} of ${stanza} has no full backup`);
    const wal = value(answers.walAge, { stanza, repo });
    if (wal === undefined) unknown.push(`newest WAL in repository ${repo}`);
    return [
      `${stanza}, repository ${repo}: ${reachable === 1 ? "answers" : "DOES NOT ANSWER"}`,
      `newest WAL ${duration(wal)} old`,
      age("full"),
      age("diff"),
      `${count(value(answers.backups, { stanza, repo }))} kept`,
    ].join(", ");
  });
  return lines.length > 0 ? lines : ["? no repository is seen"];
}

function drills(answers: Answers, wrong: string[], unknown: string[]): string[] {
  if (answers.drillOutcome.length === 0) unknown.push("drills");
  const lines = answers.drillOutcome.map(({ labels }) => {
    const { stanza = "?", repo = "?", outcome = "?" } = labels;
    if (outcome === "fail") wrong.push(`the drill of repository ${repo} failed`);
    if (outcome === "unverified") unknown.push(`the drill of repository ${repo} could not verify`);
    const of = { stanza, repo };
    return [
      `${stanza}, repository ${repo}: ${{ pass: "PASSED", fail: "FAILED", unverified: "COULD NOT VERIFY" }[outcome] ?? outcome}`,
      `last verdict ${duration(value(answers.drillAge, of))} ago`,
      `RTO ${duration(value(answers.rto, of))} (bound ${duration(value(answers.rtoBound, of))})`,
      `RPO ${duration(value(answers.rpo, of))}`,
    ].join(", ");
  });
  // A drilled repository never stands for another one.
  for (const { labels } of answers.reachable) {
    const { stanza = "?", repo = "?" } = labels;
    if (answers.drillOutcome.some((drill) => drill.labels.stanza === stanza && drill.labels.repo === repo)) continue;
    if (lines.length > 0) unknown.push(`drills of repository ${repo}`);
    lines.push(`${stanza}, repository ${repo}: ? no drill is seen`);
  }
  return lines.length > 0 ? lines : ["? no drill is seen"];
}

/** Without an escrow of the present keys no backup counts as safe: they are lost with the site. */
function escrow({ escrowMade }: Answers, wrong: string[], unknown: string[], now: Date): string[] {
  if (escrowMade.length === 0) {
    unknown.push("the escrow");
    return ["? none is seen: no backup counts as safe without one"];
  }
  return escrowMade.map(({ value: made }) => {
    if (made > 0) return `made ${duration(now.getTime() / 1000 - made)} ago`;
    wrong.push("there is no escrow");
    return "NONE of the present keys: no backup counts as safe before there is one (docs/rebuild.md)";
  });
}

function volumes(answers: Answers, unknown: string[]): string[] {
  if (answers.volume.length === 0) {
    unknown.push("volumes");
    return ["? none is seen"];
  }
  return [answers.volume.map(({ labels, value: used }) => `${labels.volume} ${Math.round(used * 100)} %`).join(", ")];
}

function targets({ up }: Answers, wrong: string[], unknown: string[]): string[] {
  if (up.length === 0) unknown.push("scrape targets");
  const down = up.filter(({ value }) => value !== 1).map(({ labels }) => `${labels.instance} (${labels.job})`);
  if (down.length > 0) wrong.push(`${down.length} of ${up.length} targets down`);
  return [`${up.length - down.length} of ${up.length} up${down.length > 0 ? `; DOWN: ${down.join(", ")}` : ""}`];
}

const count = (number: number | undefined) => (number === undefined ? "?" : String(number));

/** Seconds as a person says them, in their largest unit: `9.6 s`, `12 min`, `5 h`, `3 d`. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || Number.isNaN(seconds)) return "?";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** Bytes with a binary unit: `0 B`, `96 MiB`. */
export function bytes(number: number | undefined): string {
  if (number === undefined || Number.isNaN(number)) return "?";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(number, 1)) / 10)));
  const scaled = number / 1024 ** power;
  return `${power > 0 && scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power]}`;
}
