import { execa } from "execa";
import { type FoundCli, hasProgram, type RunOptions } from "./find-cli.js";
import type { PluginName } from "./versions.js";

const LIST_MS = 20_000;
const INSTALL_MS = 60_000;

async function pulumi(cli: FoundCli, args: string[], timeout: number, { env, signal }: RunOptions) {
  const result = await execa(cli.pulumi, args, {
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout,
    ...(signal && { cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  return result;
}

async function isInstalled(cli: FoundCli, name: string, version: string, run: RunOptions): Promise<boolean> {
  const { failed, stdout } = await pulumi(cli, ["plugin", "ls", "--json"], LIST_MS, run);
  if (failed) return false;
  const plugins = JSON.parse(stdout) as { name: string; kind: string; version?: string }[];
  return plugins.some((plugin) => plugin.kind === "resource" && plugin.name === name && plugin.version === version);
}

/**
 * Whether the CLI has the official plugin, on PATH or installed; with `install`, after trying to get it.
 * @param version without `v`
 */
export async function hasPlugin(
  cli: FoundCli,
  plugin: { name: PluginName; version: string; install: boolean },
  run: RunOptions,
): Promise<boolean> {
  const { name, version, install } = plugin;
  if (await hasProgram(cli, `pulumi-resource-${name}`, run.env)) return true;
  if (await isInstalled(cli, name, version, run)) return true;
  if (!install) return false;
  await pulumi(cli, ["plugin", "install", "resource", name, version], INSTALL_MS, run);
  return isInstalled(cli, name, version, run);
}
