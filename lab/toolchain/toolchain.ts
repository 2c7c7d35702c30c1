import { delimiter, join, resolve, sep } from "node:path";
import { buildCli, cachedBuild } from "./build-cli.js";
import { cachedNpmCli, cliOnPath, type FoundCli, hasProgram, installNpmCli, type RunOptions } from "./find-cli.js";
import { hasPlugin } from "./plugins.js";
import { type OptionalPlugin, type Pins, type PluginName, readPins } from "./versions.js";

/** Everything that running the program with the real Pulumi CLI takes. */
export interface Toolchain {
  /** Absolute path of the CLI. */
  pulumi: string;
  /** Its version, `v3.259.0`. */
  version: string;
  /** Found on PATH, from the npm package `pulumi`, or built from its Go module. */
  origin: "path" | "npm" | "built";
  /** The parts that are this project's stand-ins for official ones; empty when all is official. */
  standIns: string[];
  /** Directories to put in front of PATH, stand-ins of the missing parts only. */
  path: string[];
}

export interface ToolchainOptions {
  /** Where the CLI is kept for all checkouts of this machine. */
  cacheDir: string;
  /** The checkout: the folder of package.json. */
  projectRoot: string;
  /** Plugins that not every stack needs. */
  plugins?: OptionalPlugin[];
  /** Gets progress, a line at a time. */
  log: (line: string) => void;
  signal?: AbortSignal;
  /** What to look in (PATH, PULUMI_HOME); this process's own environment unless given. */
  env?: NodeJS.ProcessEnv;
}

/** Parts that come with the official CLI; a built one has none of them. */
const BUNDLED = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];

/** The environment without what an earlier run put on PATH: our own parts are not official ones. */
function withoutOwn({ cacheDir, projectRoot, env = process.env }: ToolchainOptions): NodeJS.ProcessEnv {
  const own = [cacheDir, join(projectRoot, "lab/toolchain/bin")].map((directory) => resolve(directory) + sep);
  const directories = (env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => !own.some((start) => directory.startsWith(start)));
  return { ...env, PATH: directories.join(delimiter) };
}

async function findCli(
  options: ToolchainOptions,
  pins: Pins,
  run: RunOptions,
): Promise<FoundCli & Pick<Toolchain, "origin">> {
  const { cacheDir, projectRoot, log } = options;
  const found = await cliOnPath(run);
  if (found) return { ...found, origin: "path" };
  const npm = await cachedNpmCli(cacheDir, pins.cli, run);
  if (npm) return { ...npm, origin: "npm" };
  const built = await cachedBuild(cacheDir, pins, run);
  if (built) return { ...built, origin: "built" };
  const installed = await installNpmCli(cacheDir, pins.cli, run);
  if (installed) return { ...installed, origin: "npm" };
  return { ...(await buildCli({ cacheDir, projectRoot, pins, log }, run)), origin: "built" };
}

/**
 * Finds the Pulumi CLI (PATH, then the npm package, then a build from its Go module, which is cached) and fills in
 * stand-ins for the official parts that cannot be had.
 * @throws {Error} when there is no CLI and none can be built; the message names what to install
 */
export async function ensureToolchain(options: ToolchainOptions): Promise<Toolchain> {
  const run = { env: withoutOwn(options), signal: options.signal };
  const pins = await readPins(options.projectRoot, options.plugins);
  const { origin, ...cli } = await findCli(options, pins, run);
  const bin = (name: string) => join(options.projectRoot, "lab/toolchain/bin", name);
  const standIns: string[] = [];
  const path: string[] = [];

  const bundled = await Promise.all(BUNDLED.map((name) => hasProgram(cli, name, run.env)));
  if (bundled.includes(false)) {
    standIns.push("language host (nodejs)", "dynamic provider");
    path.push(bin("runtime"));
  }
  for (const [name, version] of Object.entries(pins.plugins) as [PluginName, string][]) {
    if (await hasPlugin(cli, { name, version, install: origin !== "built" }, run)) continue;
    standIns.push(`plugin ${name} ${version}`);
    path.push(bin(name));
  }
  return { ...cli, origin, standIns, path };
}
