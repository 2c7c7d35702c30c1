import { access, constants, mkdir, mkdtemp, realpath, rename, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";

/** How a command of the toolchain is run. */
export interface RunOptions {
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

/** A CLI that answers. */
export interface FoundCli {
  /** Absolute path. */
  pulumi: string;
  /** As it says it, `v3.259.0`. */
  version: string;
}

const ANSWER_MS = 20_000;
const INSTALL_MS = 300_000;

const exists = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** The first executable of this name in PATH. */
export async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (env.PATH ?? "").split(delimiter).filter(Boolean)) {
    const candidate = join(directory, name);
    if (await exists(candidate)) return candidate;
  }
  return undefined;
}

/** A CLI at this place, if it is there and answers with a version. */
export async function answering(pulumi: string, { env, signal }: RunOptions): Promise<FoundCli | undefined> {
  if (!(await exists(pulumi))) return undefined;
  const { failed, stdout } = await execa(pulumi, ["version"], {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    extendEnv: false,
    reject: false,
    timeout: ANSWER_MS,
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  const version = /^v\d+\.\S+/m.exec(stdout ?? "")?.[0];
  return failed || version === undefined ? undefined : { pulumi, version };
}

/** The CLI on PATH. */
export async function cliOnPath(run: RunOptions): Promise<FoundCli | undefined> {
  const pulumi = await onPath("pulumi", run.env);
  return pulumi === undefined ? undefined : answering(pulumi, run);
}

const npmDirectory = (cacheDir: string, version: string) => join(cacheDir, `pulumi-npm-${version}`);
const npmBinary = (directory: string) => join(directory, "node_modules/.bin/pulumi");

/** The CLI of the npm package `pulumi`, if an earlier run could get it. */
export const cachedNpmCli = (cacheDir: string, version: string, run: RunOptions): Promise<FoundCli | undefined> =>
  answering(npmBinary(npmDirectory(cacheDir, version)), run);

/**
 * Tries the npm package `pulumi`, whose first start downloads the CLI. Only success is kept: what cannot be had
 * today may be there tomorrow.
 */
export async function installNpmCli(cacheDir: string, version: string, run: RunOptions): Promise<FoundCli | undefined> {
  await mkdir(cacheDir, { recursive: true });
  const scratch = await mkdtemp(join(cacheDir, "npm-try-"));
  try {
    const { failed } = await execa(
      "npm",
      [
        "install",
        "--prefix",
        scratch,
        "--no-fund",
        "--no-audit",
        "--no-save",
        "--fetch-retries=0",
        `pulumi@${version.slice(1)}`,
      ],
      {
        env: run.env,
        extendEnv: false,
        reject: false,
        timeout: INSTALL_MS,
        ...(run.signal && { cancelSignal: run.signal }),
      },
    );
    run.signal?.throwIfAborted();
    if (failed || !(await answering(npmBinary(scratch), run))) return undefined;
    await rm(npmDirectory(cacheDir, version), { recursive: true, force: true });
    await rename(scratch, npmDirectory(cacheDir, version));
    return await cachedNpmCli(cacheDir, version, run);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** True when the CLI finds a plugin program of this name: beside itself or on PATH. */
export async function hasProgram(cli: FoundCli, name: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const beside = join(dirname(await realpath(cli.pulumi)), name);
  return (await exists(beside)) || (await onPath(name, env)) !== undefined;
}
