#!/usr/bin/env node
// Runs every suite, or those named; see --help. The last line is `N passed, N failed`.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodePackages, root } from "../lab/bootstrap.mjs";
import { digestReport, fileTimes } from "./digest.mjs";
import { installTools } from "./tools.mjs";

const help = `Usage: npm test [-- SUITE...]
Suites: check (types, lint), unit (renderers, settings, components, alerts, stand-ins), shell (shellcheck, bats),
        policy (the policy pack, in a real preview), e2e (a lab of its own, from nothing and back), kubernetes (a
        cluster of one node, from nothing and back). Default: all.
Installs what they need. On a machine where the last two cannot run they are skipped with the reason; with
CI=true a skip is a failure. Last line: N passed, N failed.`;

const suites = {
  check,
  unit,
  shell,
  policy,
  e2e: () => lab("e2e", "the end-to-end suite"),
  kubernetes: () => lab("kubernetes", "the suite of Kubernetes"),
};
const named = process.argv.slice(2);
if (named.includes("--help")) {
  console.log(help);
  process.exit(0);
}
const unknown = named.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(", ")}\n${help}`);
  process.exit(64);
}

const wanted = named.length > 0 ? named : Object.keys(suites);
/** Lines about what failed, for the end of the run. */
const failures = [];
const scratch = mkdtempSync(join(tmpdir(), "restorable-test-"));
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** Runs a command with its output shown; gives the exit code and what it wrote to standard output. */
function show(command, args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", quiet ? "ignore" : "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (data) => {
      stdout += data;
      if (!quiet) process.stdout.write(data);
    });
    child.on("error", (error) => resolve({ code: 127, stdout: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, stdout }));
  });
}

const files = (folder, ending) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

async function vitest(name, args) {
  const report = join(scratch, `${name}.json`);
  const { code } = await show("npx", [
    "vitest",
    "run",
    ...args,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  try {
    const told = JSON.parse(readFileSync(report, "utf8"));
    const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = told;
    failures.push(...digestReport(told, root));
    if (name === "e2e" || name === "kubernetes")
      for (const [file, took] of fileTimes(told, root)) console.log(`${took.toFixed(0).padStart(5)} s  ${file}`);
    // A file that does not load has no tests to count.
    const failed = numFailedTests || (code === 0 ? 0 : Math.max(1, numFailedTestSuites));
    return { passed: numPassedTests, failed, skipped: numPendingTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

async function check() {
  let failed = 0;
  for (const command of [
    ["tsc", "--noEmit"],
    ["biome", "check", "--error-on-warnings", "."],
  ]) {
    const { code } = await show("npx", command);
    if (code !== 0) failed += 1;
  }
  return { passed: 2 - failed, failed, skipped: 0 };
}

function unit() {
  return vitest("unit", ["test/unit", "test/alerts"]);
}

function policy() {
  return vitest("policy", ["test/policy"]);
}

async function shell() {
  const scripts = [
    ...files("scripts", ".sh"),
    "scripts/host/step",
    "scripts/host/facts",
    ...files("lab", ".sh"),
    ...files("test/shell", ".bash"),
  ];
  const lint = await show("shellcheck", ["-x", "-s", "bash", ...scripts]);
  // Most of them wait for something: four files at a time.
  const abreast = ["--jobs", "4", "--no-parallelize-within-files"];
  const bats = await show("bats", [...abreast, "--formatter", "tap", ...files("test/shell", ".bats")]);
  const count = (pattern) => (bats.stdout.match(pattern) ?? []).length;
  const skipped = count(/^ok .* # skip/gm);
  const failed = count(/^not ok/gm) || (bats.code === 0 ? 0 : 1);
  for (const [line] of bats.stdout.matchAll(/^not ok .*/gm)) failures.push(`FAILED shell: ${line}`);
  return {
    passed: count(/^ok/gm) - skipped + (lint.code === 0 ? 1 : 0),
    failed: failed + (lint.code === 0 ? 0 : 1),
    skipped,
  };
}

/** Why a suite that makes a lab cannot run here. */
async function unable() {
  const privileged = process.getuid() === 0 || (await show("sudo", ["-n", "true"], { quiet: true })).code === 0;
  const debian = /VERSION_CODENAME=(bookworm|trixie)/.test(readFileSync("/etc/os-release", "utf8"));
  if (!privileged) return "neither root nor sudo without a password";
  return debian ? undefined : "this is not Debian 12 or 13";
}

async function lab(name, what) {
  const reason = await unable();
  if (!reason) return vitest(name, ["--config", `test/${name}/vitest.config.ts`]);
  console.log(`SKIPPED: ${what}: ${reason}`);
  return { passed: 0, failed: 0, skipped: 1 };
}

nodePackages();
const begin = Date.now();
const installed = installTools();
console.log(
  `tools: ${installed.length > 0 ? `installed ${installed.join(", ")}` : "nothing missing"} (${seconds(begin)})`,
);

// The CLI's build takes minutes where it cannot be downloaded: it goes on beside the first suites.
const needsToolchain = (name) => ["policy", "e2e", "kubernetes"].includes(name);
const prepares = wanted.some(needsToolchain);
const toolchain = prepares ? show(process.execPath, ["--import", "tsx", "lab/main.ts", "toolchain"]) : undefined;
const wants = (name) => wanted.includes(name);
// The store with object lock, after it: two minutes of two cores. A build that fails is tried again by the test that needs it.
const stores = wants("e2e")
  ? toolchain?.then(() => show(process.execPath, ["--import", "tsx", "test/e2e/minio.ts"], { quiet: true }))
  : undefined;
// Gitea and Kubernetes last, and only with what the suites leave of the machine: a quarter of an hour of it. The test that
// needs Gitea waits for its end. A session of its own, for where the kernel shares a machine out by sessions, priorities count
// within one only (sched(7), autogroup).
const lowest = 'echo 19 >/proc/self/autogroup 2>/dev/null; exec chrt --idle 0 "$@"';
const idle = (...command) =>
  show("setsid", ["--wait", "sh", "-c", lowest, "sh", process.execPath, "--import", "tsx", ...command]);
const gitea = stores?.then(() => idle("test/e2e/gitea.ts"));
// Where only its own suite waits for it, it gets the machine.
const build = ["lab/main.ts", "cluster", "build"];
const alone = () => show(process.execPath, ["--import", "tsx", ...build]);
const cluster = wants("kubernetes") ? (gitea ? gitea.then(() => idle(...build)) : toolchain?.then(alone)) : undefined;

const total = { passed: 0, failed: 0, skipped: 0 };
const table = [];
for (const name of wanted) {
  console.log(`\n== ${name}`);
  if (needsToolchain(name)) await toolchain;
  if (name === "e2e") await stores;
  if (name === "kubernetes") await cluster;
  const started = Date.now();
  const result = await suites[name]();
  for (const key of Object.keys(total)) total[key] += result[key];
  table.push(
    `${name.padEnd(10)} ${String(result.passed).padStart(5)} passed ${String(result.failed).padStart(4)} failed ${String(result.skipped).padStart(4)} skipped   ${seconds(started)}`,
  );
}
rmSync(scratch, { recursive: true, force: true });
if (process.env.CI && total.skipped > 0) {
  console.log(`${total.skipped} skipped, which in CI is a failure`);
  total.failed += total.skipped;
}
if (failures.length > 0) console.log(`\n${failures.join("\n")}`);
console.log(`\n${table.join("\n")}\nall        ${seconds(begin)}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
