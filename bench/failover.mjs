#!/usr/bin/env node
// Forced stops of the lab's primary, one after the other, against the targets; see --help.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const help = `Usage: npm run bench:failover [-- OPTIONS]
Runs test_pg_failover.sh on the lab's drill host and compares its figures with the targets. Wants a quiet machine.

  --runs N      how many (default 20)
  --mode MODE   stop (default), kill, switchover, partition
  --name NAME   the lab (default lab)
  --help        this text

Exit codes: 0 every run passed and the targets are met, 1 they are not met, 2 a run did not pass, 64 wrong arguments.`;

/** p95 of each figure that has a target, seconds. */
const targets = {
  stop: { survivorWriteSeconds: 5, gapSeconds: 6 },
  kill: {},
  switchover: { gapSeconds: 2 },
  partition: { isolatedStopSeconds: 15 },
};

let options;
try {
  options = parseArgs({
    options: {
      runs: { type: "string", default: "20" },
      mode: { type: "string", default: "stop" },
      name: { type: "string", default: "lab" },
      help: { type: "boolean", default: false },
    },
  }).values;
  if (!Object.hasOwn(targets, options.mode))
    throw new Error(`--mode ${options.mode}: ${Object.keys(targets).join(", ")}`);
} catch (error) {
  console.error(`${error.message}\n${help}`);
  process.exit(64);
}
if (options.help) {
  console.log(help);
  process.exit(0);
}

const { mode, name, runs } = options;
const command = ["incus", "--project", `restorable-${name}`, "exec", "lab-host", "--", "test_pg_failover.sh"];
const [file, ...args] = [...(process.getuid() === 0 ? [] : ["sudo", "-n"]), ...command];
// Progress and the table are on its standard error.
const { status, stdout } = spawnSync(file, [...args, "--mode", mode, "--runs", runs, "--json"], {
  encoding: "utf8",
  maxBuffer: 2 ** 26,
  stdio: ["ignore", "pipe", "inherit"],
});
if (status !== 0) {
  console.error(`a run did not pass (exit ${status})`);
  process.exit(2);
}
const { summary } = JSON.parse(stdout);
let met = true;
for (const [figure, seconds] of Object.entries(targets[mode])) {
  const { p95 } = summary[figure];
  const holds = p95 !== null && p95 <= seconds;
  met &&= holds;
  console.log(`${holds ? "met    " : "NOT MET"} ${figure}: p95 ${p95} s, target ${seconds} s`);
}
process.exit(met ? 0 : 1);
