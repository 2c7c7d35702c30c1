#!/usr/bin/env node
// An outage of one of the lab's stores while somebody writes: what each repository holds, second by second; see --help.
import { execFileSync, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const help = `Usage: npm run bench:outage [-- OPTIONS]
Takes one of the lab's stores away while a client writes, and measures from the segments in both stores what a loss of the
formation would have cost at each moment (RPO). Nothing is done by hand in between. Wants a quiet machine.

  --store N       1: repository 1's, 2 (default): the off-site one
  --kind KIND     refused (default): nothing listens; blackholed: packets vanish
  --minutes M     how long (default 10)
  --rate MIB      MiB of rows per minute (default 64)
  --name NAME     the lab (default lab)
  --help          this text

Figures, in seconds: the longest time between two acknowledged writes; the highest RPO of the healthy repository, from
the outage to its end; the highest of the other; from the store's return until its hole was closed, and until its RPO was
within 2 minutes. Segments count as far as they follow one another without a gap.

Exit codes: 0 the targets are met, 1 they are not, 2 it could not be measured, 64 wrong arguments.`;

let options;
try {
  options = parseArgs({
    options: {
      store: { type: "string", default: "2" },
      kind: { type: "string", default: "refused" },
      minutes: { type: "string", default: "10" },
      rate: { type: "string", default: "64" },
      name: { type: "string", default: "lab" },
      help: { type: "boolean", default: false },
    },
  }).values;
  if (!["1", "2"].includes(options.store)) throw new Error(`--store ${options.store}: 1 or 2`);
  if (!["refused", "blackholed"].includes(options.kind))
    throw new Error(`--kind ${options.kind}: refused or blackholed`);
  for (const name of ["minutes", "rate"])
    if (!(Number(options[name]) > 0)) throw new Error(`--${name} ${options[name]}: a number above 0`);
} catch (error) {
  console.error(`${error.message}\n${help}`);
  process.exit(64);
}
if (options.help) {
  console.log(help);
  process.exit(0);
}

const minutes = Number(options.minutes);
const stores = { 1: "object-store", 2: "offsite-store" };
const dead = options.store;
const healthy = dead === "1" ? "2" : "1";
const project = `restorable-${options.name}`;
const prefix = [...(process.getuid() === 0 ? [] : ["sudo", "-n"]), "incus", "--project", project];

/** Runs a script in a container. @returns its standard output */
function inside(container, script) {
  const [file, ...args] = [...prefix, "exec", container, "--", "bash", "-c", script];
  return execFileSync(file, args, { encoding: "utf8", maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "pipe"] });
}
const nodes = ["pgaf-primary", "pgaf-replica"];
const sql = (node, statement) =>
  inside(node, `cd /; runuser -u postgres -- psql -X -qAt -d app -c "${statement}"`).trim();
const primary = nodes.find((node) => sql(node, "SELECT pg_is_in_recovery()") === "f");
if (!primary) {
  console.error("no node takes writes");
  process.exit(2);
}
const segmentBytes = Number(sql(primary, "SELECT pg_size_bytes(current_setting('wal_segment_size'))"));
const perLog = 2 ** 32 / segmentBytes;
const numberOf = (name) => Number.parseInt(name.slice(8, 16), 16) * perLog + Number.parseInt(name.slice(16, 24), 16);
const bytesOf = (lsn) => {
  const [high, low] = lsn.split("/").map((part) => Number.parseInt(part, 16));
  return high * 2 ** 32 + low;
};

/** Numbers of the whole segments in a store, from its own disk: it answers also while its network does not. */
function segments(number) {
  const names = inside(
    stores[number],
    "cd /var/lib/object-store/data && find . -path './*/archive/*' -type f -printf '%f\\n' | grep -oE '^[0-9A-F]{24}-' || true",
  );
  return new Set(names.split("\n").filter(Boolean).map(numberOf));
}

/** What the primary says of a repository's archiving. */
function state(number) {
  const text = inside(primary, "cat /var/lib/node_exporter/textfile_collector/restorable_archiving.prom");
  const value = (name) =>
    Number(new RegExp(`^restorable_repository_${name}\\{[^}]*repo="${number}"\\} (\\S+)$`, "m").exec(text)?.[1]);
  return { archiving: value("archiving"), hole: value("hole") };
}

/** Acknowledged writes: when, and where the log was then. */
const writes = [];
let errors = "";
sql(primary, "CREATE TABLE IF NOT EXISTS bench_outage (at timestamptz, pad text)");
const rows = Math.max(1, Math.round((Number(options.rate) * 1024) / 60 / 8));
const insert = `INSERT INTO bench_outage SELECT clock_timestamp(), string_agg(md5(random()::text), '') FROM generate_series(1, ${rows}) row, generate_series(1, 256) GROUP BY row`;
const writer = spawn(prefix[0], [
  ...prefix.slice(1),
  ...["exec", primary, "--", "runuser", "-u", "postgres", "--", "psql", "-X", "-qAt", "-d", "app"],
]);
writer.stdin.on("error", () => {});
let rest = "";
writer.stdout.on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const lsn = /^[0-9A-F]+\/[0-9A-F]+$/.exec(line.trim())?.[0];
    if (lsn) writes.push({ at: Date.now(), lsn: bytesOf(lsn) });
  }
});
writer.stderr.on("data", (chunk) => {
  errors += chunk;
});
writer.stdin.write(`${insert};\nSELECT pg_current_wal_lsn();\n`);
let writing = true;
const feed = (async () => {
  while (writing) {
    const before = writes.length;
    await sleep(1000);
    if (writes.length > before || before === 0) writer.stdin.write(`${insert};\nSELECT pg_current_wal_lsn();\n`);
  }
})();

const first = numberOf(sql(primary, "SELECT pg_walfile_name(pg_current_wal_lsn())"));
/** Seconds of writes that this repository lacks, counting what follows `base` without a gap. */
function rpo(number, base) {
  const there = segments(number);
  let next = base;
  while (there.has(next)) next += 1;
  const lost = writes.find(({ lsn }) => lsn > next * segmentBytes);
  return lost ? (Date.now() - lost.at) / 1000 : 0;
}

const addresses = JSON.parse(execFileSync(prefix[0], [...prefix.slice(1), "list", "-f", "json"], { encoding: "utf8" }))
  .filter(({ name }) => name !== stores[dead])
  .flatMap(({ state: { network } }) => network?.eth0?.addresses ?? [])
  .filter(({ family }) => family === "inet")
  .map(({ address }) => address);
const begin = {
  refused: "systemctl stop versitygw.service",
  blackholed: addresses.map((address) => `ip route replace blackhole ${address}/32`).join("; "),
};
const end = {
  refused: "systemctl start versitygw.service",
  blackholed: addresses.map((address) => `ip route del blackhole ${address}/32 || true`).join("; "),
};
const bring = () => inside(stores[dead], end[options.kind]);
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => {
    bring();
    process.exit(2);
  });

const seconds = (value) => (value === undefined ? "never" : `${value.toFixed(0)} s`);
const highest = { [healthy]: 0, [dead]: 0 };
let walBytes = 0;
let suspendedAfter;
let closedAfter;
let withinAfter;
try {
  await sleep(5000);
  console.log(
    `store ${dead} (${stores[dead]}) ${options.kind} for ${minutes} minutes, ${options.rate} MiB a minute, primary ${primary}`,
  );
  const gone = Date.now();
  inside(stores[dead], begin[options.kind]);
  let returned;
  while (closedAfter === undefined || withinAfter === undefined || Date.now() < returned + 120_000) {
    await sleep(2000);
    const now = Date.now();
    if (returned === undefined && now >= gone + minutes * 60_000) {
      bring();
      returned = Date.now();
    }
    const { archiving, hole } = state(dead);
    if (archiving === 0) suspendedAfter ??= (now - gone) / 1000;
    const here = rpo(healthy, first);
    const there = rpo(dead, first);
    highest[healthy] = Math.max(highest[healthy], here);
    highest[dead] = Math.max(highest[dead], there);
    walBytes = Math.max(walBytes, Number(sql(primary, "SELECT sum(size) FROM pg_ls_waldir()")));
    if (returned !== undefined) {
      const after = (now - returned) / 1000;
      if (archiving === 1 && hole === 0) closedAfter ??= after;
      if (there <= 120) withinAfter ??= after;
      if (after > 900) break;
    }
    process.stderr.write(
      `${((now - gone) / 1000).toFixed(0)} s: RPO ${healthy}: ${here.toFixed(0)} s, ${dead}: ${there.toFixed(0)} s${archiving === 0 ? `, repository ${dead} is left out` : ""}${hole === 1 ? ", hole" : ""}\n`,
    );
  }
} finally {
  bring();
  writing = false;
  await feed;
  writer.stdin.end();
}
sql(primary, "DROP TABLE bench_outage");

const gap = Math.max(...writes.slice(1).map(({ at }, index) => (at - writes[index].at) / 1000));
const dropped = Number(
  /^restorable_wal_dropped_total (\S+)$/m.exec(
    inside(primary, "cat /var/lib/node_exporter/textfile_collector/restorable_node.prom"),
  )?.[1],
);
console.log(
  `writes: ${writes.length} acknowledged, longest gap ${gap.toFixed(1)} s, errors: ${errors.trim() || "none"}`,
);
console.log(
  `repository ${dead} left out after ${seconds(suspendedAfter)}; pg_wal at most ${(walBytes / 2 ** 20).toFixed(0)} MiB; dropped ${dropped}`,
);
const results = [
  [`RPO of repository ${healthy}, the healthy one`, highest[healthy], 120],
  [`RPO of repository ${dead}`, highest[dead], minutes * 60 + 120],
  [`repository ${dead}: RPO within 2 minutes, after the return`, withinAfter, 120],
  [`repository ${dead}: hole closed, after the return`, closedAfter, Number.POSITIVE_INFINITY],
];
let met = errors.trim() === "" && gap < 30 && dropped === 0;
for (const [what, value, target] of results) {
  const holds = value !== undefined && value <= target;
  met &&= holds;
  console.log(
    `${holds ? "met    " : "NOT MET"} ${what}: ${seconds(value)}${Number.isFinite(target) ? `, target ${target} s` : ""}`,
  );
}
process.exit(met ? 0 : 1);
