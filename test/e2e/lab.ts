import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { stackEnv } from "../../lab/stack.js";
import { ensureToolchain, type Toolchain } from "../../lab/toolchain/toolchain.js";
import { world as makeWorld } from "../../lab/world.js";

/** The checkout. */
export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** The tests' own lab. */
export const world = makeWorld({
  name: process.env.RESTORABLE_E2E_NAME ?? "e2e",
  subnet: process.env.RESTORABLE_E2E_SUBNET ?? "10.87.0",
  root,
});

export interface Result {
  code: number;
  /** Standard output and standard error, in order. */
  output: string;
  stdout: string;
}

/** Runs a command to its end, whatever its exit code. */
export async function run(
  command: string[],
  options: { input?: string; env?: Record<string, string>; onLine?: (line: string) => void } = {},
): Promise<Result> {
  const [file = "", ...args] = command;
  const child = execa(file, args, {
    cwd: root,
    all: true,
    reject: false,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    ...(options.env ? { env: options.env } : {}),
  });
  if (options.onLine) for await (const line of child.iterable({ from: "all" })) options.onLine(line);
  const result = await child;
  return { code: result.exitCode ?? 255, output: String(result.all ?? ""), stdout: String(result.stdout ?? "") };
}

/** Runs one of the lab's commands as a person would. */
export const runLab = (command: string, args: string[] = [], onLine?: (line: string) => void): Promise<Result> =>
  run(
    ["node", "lab/cli.mjs", command, "--name", world.name, "--subnet", world.subnet, ...args],
    onLine ? { onLine } : {},
  );

const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

export const incus = (...args: string[]): Promise<Result> =>
  run([...sudo, "incus", "-q", "--project", world.incusProject, ...args]);

/** Runs a shell script in a container; gives its result whatever the exit code. */
export const inside = (container: string, script: string, input?: string): Promise<Result> =>
  run(
    [...sudo, "incus", "-q", "--project", world.incusProject, "exec", container, "--", "bash", "-c", script],
    input === undefined ? {} : { input },
  );

/** Runs a script in a container and gives its output. @throws Error with the output when it fails */
export async function must(container: string, script: string, input?: string): Promise<string> {
  const { code, output, stdout } = await inside(container, script, input);
  if (code !== 0) throw new Error(`${container}: ${script}\nexit ${code}: ${output}`);
  return stdout.trim();
}

/** SQL on a node's own server. */
export const sql = (node: string, statement: string, database = "app"): Promise<string> =>
  must(node, `cd /; runuser -u postgres -- psql -X -qAt -v ON_ERROR_STOP=1 -d ${database}`, statement);

/** The node that takes writes. */
export async function primary(): Promise<string> {
  for (const node of ["pgaf-primary", "pgaf-replica"]) {
    const { stdout } = await inside(node, "cd /; runuser -u postgres -- psql -X -qAt -c 'SELECT pg_is_in_recovery()'");
    if (stdout.trim() === "f") return node;
  }
  throw new Error("no node takes writes");
}

export interface Drill extends Result {
  /** Text of the metrics file of repository 1. */
  metrics: string;
}

export const metricsDirectory = "/var/lib/node_exporter/textfile_collector";

/** Text of the metrics file of a repository's drill. */
export async function metrics(repository = 1): Promise<string> {
  const file = `${metricsDirectory}/*_backup_drill_main_repo${repository}.prom`;
  return (await inside(world.host.name, `cat ${file} 2>/dev/null`)).stdout;
}

/** Runs the drill on the drill host by hand. */
export async function drill(...args: string[]): Promise<Drill> {
  const result = await inside(world.host.name, `/usr/local/bin/dr-drill.sh --repo 1 ${args.join(" ")}`);
  return { ...result, metrics: await metrics() };
}

/** Value of a series whose name ends so and whose labels hold this text; NaN when there is none. */
export function metric(text: string, name: string, labels = ""): number {
  const line = text
    .split("\n")
    .find((candidate) => new RegExp(`^\\w+_${name}\\b`).test(candidate) && candidate.includes(labels));
  return line === undefined ? Number.NaN : Number(line.split(" ").at(-1));
}

let found: Promise<Toolchain> | undefined;
const toolchain = () => {
  found ??= ensureToolchain({ cacheDir: world.cache, projectRoot: root, log: () => {} });
  return found;
};

/** Alters a stack's settings in place: `restorable:key` to its value, whatever its type. */
// biome-ignore lint/suspicious/noExplicitAny: settings are of all shapes, some of them wrong on purpose
export type Change = (config: Record<string, any>) => void;

/** Environment and CLI for the tests' stack. */
export async function cli(): Promise<{ pulumi: string; env: Record<string, string> }> {
  const found = await toolchain();
  return { pulumi: found.pulumi, env: stackEnv(world, found) };
}

/** Writes a copy of the stack's settings, altered, and gives its path; without a change, that of the settings. */
export function settingsFile(change?: Change): string {
  const file = join(world.directory, "Pulumi.lab.yaml");
  if (!change) return file;
  const settings = parse(readFileSync(file, "utf8")) as { config: Record<string, Record<string, unknown>> };
  change(settings.config);
  const changed = join(world.directory, "changed.yaml");
  writeFileSync(changed, stringify(settings));
  return changed;
}

/** A Pulumi command on the tests' stack, with its environment. */
export async function pulumiCommand(
  args: string[],
  file: string = settingsFile(),
): Promise<{ command: string[]; env: Record<string, string> }> {
  const { pulumi: binary, env } = await cli();
  const config = args[0] === "stack" || args[0] === "state" ? [] : ["--config-file", file];
  return {
    command: [binary, ...args, "--stack", world.stack, ...config, "--non-interactive", "--color=never"],
    env,
  };
}

/**
 * Runs a Pulumi command on the tests' stack.
 *
 * @param change alters the stack's settings (a copy of them) for this one command
 * @param onLine called with each line of output as it comes
 */
export async function pulumi(args: string[], change?: Change, onLine?: (line: string) => void): Promise<Result> {
  const { command, env } = await pulumiCommand(args, settingsFile(change));
  return run(command, { env, ...(onLine ? { onLine } : {}) });
}

/** `pulumi up` without questions. */
export const up = (change?: Change, onLine?: (line: string) => void): Promise<Result> =>
  pulumi(["up", "--yes", "--skip-preview"], change, onLine);

/** Names of the resources that a preview or an update would touch or touched, apart from the stack itself. */
export const touched = (output: string): string[] =>
  [
    ...new Set(
      [...output.matchAll(/^ +(?:[+~-]|\+-|-\+|\+\+|--) +command:remote:Command (\S+)/gm)].map(([, name = ""]) => name),
    ),
  ].sort();

/** Each container of the lab with the number that Incus gave it when it was made, and its state. */
export async function containers(): Promise<string[]> {
  const { stdout } = await incus("list", "-f", "csv", "-c", "n,volatile.uuid:uuid,s");
  return stdout.trim().split("\n").sort();
}

/** Polls until it holds. @throws Error with the description when it does not in time */
export async function waitFor(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What must outlive every fault: rows of the application, labels of the backups. */
export async function kept(): Promise<{ users: number; backups: string[] }> {
  const node = await primary();
  const info = JSON.parse(await must(node, "cd /; runuser -u postgres -- pgbackrest --output=json info")) as {
    backup?: { label: string }[];
  }[];
  return {
    users: Number(await sql(node, "SELECT count(*) FROM users")),
    backups: info[0]?.backup?.map(({ label }) => label) ?? [],
  };
}
