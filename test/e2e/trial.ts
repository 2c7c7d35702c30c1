import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { incus, inside, metric, must, type Result, sql, world } from "./lab.js";

/** Name of the drill's container. */
export const container = "pg-restore-drill";

/** Container of the lab's S3 server, and the folder in it that holds the bucket. */
export const store = { container: "object-store", data: `/var/lib/object-store/data/${world.incusProject}` };

/** Folder on the drill host for settings, configuration and metrics of the trials; in memory, for root only. */
const folder = "/run/restorable-trial";

export interface TrialOptions {
  /** Settings of drill.env that are other than installed. */
  env?: Record<string, string | number>;
  /** Shell text that alters the copied configuration; runs in the folder with the `*.repo1.conf` files. */
  alter?: string;
  args?: string[];
  /** Shell text put before the drill's command, for example an assignment of PATH. */
  prefix?: string;
}

/** A stanza that is not in the repository: the shortest drill that has a container. */
export const absentStanza: TrialOptions = {
  env: { STANZA: "absent" },
  alter: "sed -i 's/\\[main\\]/[absent]/' pgbackrest.repo1.conf",
};

export interface Trial extends Result {
  /** The metrics as they were before: those of the lab's last real drill. */
  before: string;
  /** All metrics that stand after the trial. */
  metrics: string;
}

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

const collect = async () => (await inside(world.host.name, `cat ${folder}/metrics/*.prom`)).stdout;

/** Copies the drill's settings, and the metrics of the last real drill; gives those. */
export async function prepare({ env = {}, alter = ":" }: TrialOptions = {}): Promise<string> {
  const settings = { CONFIG_DIR: `${folder}/drill`, METRICS_DIR: `${folder}/metrics`, ...env };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${quote(String(value))}\n`);
  await must(
    world.host.name,
    `set -eu; umask 077; d=${folder}; rm -rf $d/drill $d/metrics; mkdir -p $d/metrics
cp -a /etc/restorable/drill $d/drill; { cat /etc/restorable/drill.env; cat; } >$d/drill.env
cp /var/lib/node_exporter/textfile_collector/*_backup_drill_main_repo1.prom $d/metrics/
cd $d/drill; ${alter}`,
    lines.join(""),
  );
  return collect();
}

/** Command of a drill on the copied settings. */
const command = ({ args = [], prefix = "" }: TrialOptions) =>
  `${prefix} /usr/local/bin/dr-drill.sh --config ${folder}/drill.env --repo 1 ${args.map(quote).join(" ")}`;

/** A drill on a copy of its settings, with metrics of its own: the lab's own metrics stay as they are. */
export async function trial(options: TrialOptions = {}): Promise<Trial> {
  const before = await prepare(options);
  const result = await inside(world.host.name, command(options));
  return { ...result, before, metrics: await collect() };
}

export interface Running {
  /** Resolves when the drill's progress names this step as done. */
  reached(step: string): Promise<void>;
  /** Sends a signal to the drill, or with `group` to everything that it started. */
  signal(name: "TERM" | "KILL", to?: "drill" | "group"): Promise<void>;
  ended: Promise<Result>;
  metrics: () => Promise<string>;
}

/** Starts a drill as `trial` does and lets it run. */
export async function start(options: TrialOptions = {}): Promise<Running> {
  await prepare(options);
  const pid = `${folder}/pid`;
  await must(world.host.name, `rm -f ${pid}; : >${folder}/log`);
  // In a process group of its own, so that a crash can take everything at once.
  const script = `setsid --wait bash -c ${quote(`echo $$ >${pid}; exec ${command(options)}`)} >${folder}/log 2>&1; code=$?; cat ${folder}/log; exit $code`;
  const ended = inside(world.host.name, script);
  return {
    reached: (step) =>
      must(
        world.host.name,
        `for i in $(seq 1200); do ! grep -q '^ok *${step} ' ${folder}/log || exit 0; sleep 0.05; done; exit 1`,
      ).then(() => {}),
    signal: (name, to = "drill") =>
      must(world.host.name, `kill -${name} -- ${to === "group" ? "-" : ""}$(cat ${pid})`).then(() => {}),
    ended,
    metrics: collect,
  };
}

/** Removes what trials left on the drill host; the crashed one left its work folder. */
export const clear = (): Promise<string> => must(world.host.name, `rm -rf ${folder} /tmp/dr-drill.*`);

/** Exit 1, and metrics that say why; the last success stays where it was. */
export function expectFailed(result: Trial, reason: string): void {
  expect(result.code, result.output).toBe(1);
  expect(metric(result.metrics, "backup_drill_last_success", `reason="${reason}"`), result.output).toBe(0);
  expectOutcome(result.metrics, "fail");
  const last = (text: string, name: string) => metric(text, `backup_drill_last_${name}_timestamp_seconds`);
  expect(last(result.metrics, "run")).toBeGreaterThan(last(result.before, "run"));
  expect(last(result.metrics, "success")).toBe(last(result.before, "success"));
  expect(result.output).toContain(reason);
}

/** Exit 2, and metrics in which nothing but the outcome is new: the stale alert will come. */
export function expectUnverified(result: Trial, reason: string): void {
  expect(result.code, result.output).toBe(2);
  expectOutcome(result.metrics, "unverified");
  expect(metric(result.metrics, "backup_drill_unverified_info", `reason="${reason}"`), result.output).toBe(1);
  for (const name of ["last_success", "last_run_timestamp_seconds", "last_success_timestamp_seconds", "smoke_rows"])
    expect(metric(result.metrics, `backup_drill_${name}`), name).toBe(metric(result.before, `backup_drill_${name}`));
}

export function expectOutcome(text: string, expected: "pass" | "fail" | "unverified", name = "outcome"): void {
  for (const state of ["pass", "fail", "unverified"])
    expect(metric(text, `backup_drill_${name}`, `outcome="${state}"`), state).toBe(state === expected ? 1 : 0);
}

/** The drill's containers that are there, kept ones included. */
export const containers = async (): Promise<string[]> =>
  (await incus("list", `^${container}`, "-f", "csv", "-c", "n")).stdout.split("\n").filter(Boolean).sort();

/** Closes the current WAL segment and waits until it is in the repository; gives its name. */
export async function archive(node: string): Promise<string> {
  await sql(node, "SELECT pg_logical_emit_message(true, 'drill', 'a record, so that there is something to switch')");
  const segment = await sql(node, "SELECT pg_walfile_name(pg_switch_wal())", "postgres");
  for (let i = 0; i < 240; i++) {
    if ((await sql(node, `SELECT last_archived_wal >= '${segment}' FROM pg_stat_archiver`, "postgres")) === "t")
      return segment;
    await sleep(250);
  }
  throw new Error(`${segment} has not been archived within a minute`);
}

/** Path, size and time of change of each object in the store. */
export const objects = async (): Promise<Set<string>> =>
  new Set(
    (
      await must(store.container, `cd ${store.data} && find . -type f -not -path './.sgwtmp/*' -printf '%P %s %T@\\n'`)
    ).split("\n"),
  );
