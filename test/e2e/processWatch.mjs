// Looks for secrets in the command line and the environment of every process of this machine, the containers'
// included, for as long as its standard input is open. The input's first line is a JSON object of name to secret:
// neither this process's arguments nor its output hold one. Prints a JSON line for each finding, and one at the end.
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Looks at a process that is older than this many passes only now and then. */
const young = 20;
const seldom = 25;

const read = (path) => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

const parent = (pid) => /^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0";

/** Whether it is Pulumi's command line, or was started by it: these hold settings in their environment. */
function isPulumis(pid) {
  for (let at = pid; at !== "0"; at = parent(at))
    if (/(^|\/)pulumi[^/\0]*$/.test(read(`/proc/${at}/cmdline`).split("\0")[0])) return true;
  return false;
}

function watch(secrets) {
  const seen = new Map();
  const reported = new Set();
  let passes = 0;
  const report = (pid, kind, text, cmdline) => {
    for (const [name, value] of Object.entries(secrets)) {
      if (!text.includes(value)) continue;
      const program = cmdline.split("\0")[0];
      const key = `${name} ${kind} ${program}`;
      if (reported.has(key) || (kind === "environment" && isPulumis(pid))) continue;
      reported.add(key);
      console.log(JSON.stringify({ secret: name, where: `${kind} of ${program}` }));
    }
  };
  const pass = () => {
    passes += 1;
    for (const pid of readdirSync("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      const age = seen.get(pid) ?? 0;
      seen.set(pid, age + 1);
      if (age > young && (passes + Number(pid)) % seldom !== 0) continue;
      const cmdline = read(`/proc/${pid}/cmdline`);
      report(pid, "command line", cmdline, cmdline);
      report(pid, "environment", read(`/proc/${pid}/environ`), cmdline);
    }
    timer = setImmediate(pass);
  };
  let timer = setImmediate(pass);
  return () => {
    clearImmediate(timer);
    console.log(JSON.stringify({ passes, processes: seen.size }));
  };
}

let stop;
createInterface({ input: process.stdin })
  .on("line", (line) => {
    stop ??= watch(JSON.parse(line));
  })
  .on("close", () => stop?.());
