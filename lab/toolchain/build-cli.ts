import { join } from "node:path";
import { execa } from "execa";
import { answering, type FoundCli, type RunOptions } from "./find-cli.js";
import type { Pins } from "./versions.js";

const PROGRESS_MS = 15_000;

const seconds = (since: number): number => Math.round((Date.now() - since) / 1000);

/** Where the built CLI of these pins stands. */
export const builtDirectory = (cacheDir: string, { cli, hash }: Pins): string =>
  join(cacheDir, `pulumi-${cli}-${process.platform}-${process.arch}-${hash}`);

/** The CLI that an earlier run built from the same pins. */
export const cachedBuild = (cacheDir: string, pins: Pins, run: RunOptions): Promise<FoundCli | undefined> =>
  answering(join(builtDirectory(cacheDir, pins), "pulumi"), run);

/**
 * Builds the CLI from its pinned Go module, or waits for a build of it that is under way.
 * @param log gets a line at the start, one every 15 s, one at the end
 * @throws {Error} with what to install, or with the compiler's last words
 */
export async function buildCli(
  options: { cacheDir: string; projectRoot: string; pins: Pins; log: (line: string) => void },
  run: RunOptions,
): Promise<FoundCli> {
  const { cacheDir, projectRoot, pins, log } = options;
  const started = Date.now();
  const directory = builtDirectory(cacheDir, pins);
  log(`building the Pulumi CLI ${pins.cli} from its Go module, once for this machine (about 5 minutes on 2 cores)`);
  const progress = setInterval(() => log(`building the Pulumi CLI: ${seconds(started)} s`), PROGRESS_MS);
  try {
    const build = execa(join(projectRoot, "lab/toolchain/build-cli.sh"), [directory], {
      env: run.env,
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      all: true,
      ...(run.signal && { cancelSignal: run.signal }),
    });
    for await (const line of build.iterable({ from: "all" })) {
      if (line.startsWith("another build")) log(line);
    }
    const result = await build;
    run.signal?.throwIfAborted();
    if (result.failed) {
      const words = (result.all ?? "").trim().split("\n").slice(-15).join("\n");
      if (result.exitCode === 3) throw new Error(words);
      throw new Error(`the Pulumi CLI could not be built:\n${words || result.shortMessage}`);
    }
  } finally {
    clearInterval(progress);
  }
  const cli = await cachedBuild(cacheDir, pins, run);
  if (cli === undefined) throw new Error(`the built Pulumi CLI in ${directory} does not answer`);
  log(`built the Pulumi CLI ${cli.version} in ${seconds(started)} s`);
  return cli;
}
