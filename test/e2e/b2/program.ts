import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { B2BucketArgs } from "../../../components/B2Bucket.js";
import { cli, type Result, root, run } from "../lab.js";
import type { StandIn } from "./standIn.js";

const program = join(root, "test/b2/program");

/** The program of test/b2/program, as a stack of its own with the real CLI. */
export interface Program {
  directory: string;
  pulumi(...args: string[]): Promise<Result>;
  /** Starts a command and lets it run. */
  start(...args: string[]): ChildProcess;
  /** `pulumi up` without questions. @throws Error with the output when it fails */
  up(...args: string[]): Promise<string>;
  /** Alters the settings from here on. */
  set(change: Partial<B2BucketArgs>): void;
  /** The account key from here on. */
  credentials(access: { keyId: string; key: string }): Promise<void>;
  /** State file as it lies on the disk. */
  state(): string;
}

export const stack = "b2";

export async function prepareProgram(directory: string, standIn: StandIn): Promise<Program> {
  const { pulumi: binary, env: labEnv } = await cli();
  const state = join(directory, "state");
  const hosts = join(directory, "hosts");
  const init = join(directory, "init");
  for (const folder of [state, hosts, init]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(directory, "passphrase"), "only-for-this-test\n", { mode: 0o600 });
  const env = {
    ...labEnv,
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(directory, "passphrase"),
  };
  const file = join(directory, "Pulumi.b2.yaml");
  let offsite: B2BucketArgs = {
    bucket: "restorable-test",
    folders: ["/pgbackrest"],
    region: standIn.store.region,
    endpoint: standIn.store.address,
    port: standIn.store.port,
    uriStyle: "path",
    hiddenDays: 30,
    objectLockDays: 0,
    objectLockMode: "governance",
    keyGeneration: 1,
    owner: "restorable-b2",
    keepData: false,
    apiUrl: standIn.url,
  };
  let access = { keyId: standIn.keyId, key: standIn.key };
  const write = async () => {
    const converge = `${join(root, "test/b2/converge.sh")} ${hosts} ${standIn.url}`;
    const config = { "restorable:offsite": offsite, "restorable:converge": converge };
    writeFileSync(file, stringify({ config }));
    for (const [name, value] of Object.entries({ b2KeyId: access.keyId, b2Key: access.key }))
      await must(["config", "set", "--secret", `restorable:${name}`], value);
  };
  const command = (args: string[], cwd = program) => [
    ...[binary, ...args, "--stack", stack, "--cwd", cwd, "--non-interactive", "--color=never"],
    ...(["cancel", "stack"].includes(args[0] ?? "") ? [] : ["--config-file", file]),
  ];
  const must = async (args: string[], input?: string) => {
    const { code, output } = await run(command(args), { env, ...(input === undefined ? {} : { input }) });
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")}: ${output}`);
    return output;
  };

  // `stack init` writes the salt beside the project file: it is given a copy.
  copyFileSync(join(program, "Pulumi.yaml"), join(init, "Pulumi.yaml"));
  const made = await run([binary, "stack", "init", stack, "--cwd", init, "--non-interactive"], { env });
  if (made.code !== 0) throw new Error(made.output);
  await write();
  return {
    directory,
    pulumi: (...args) => run(command(args), { env }),
    start: (...args) => {
      const [bin = "", ...rest] = command(args);
      return spawn(bin, rest, { env: { ...process.env, ...env }, stdio: "ignore" });
    },
    up: (...args) => must(["up", "--yes", "--skip-preview", ...args]),
    set: (change) => {
      offsite = { ...offsite, ...change };
      const settings = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
      settings.config["restorable:offsite"] = offsite;
      writeFileSync(file, stringify(settings));
    },
    credentials: (given) => {
      access = given;
      return write();
    },
    state: () => readFileSync(join(state, ".pulumi/stacks/restorable/b2.json"), "utf8"),
  };
}
