import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { clusterSettings } from "../../../lab/kubernetes/stackSettings.js";
import { stackEnv } from "../../../lab/stack.js";
import { ensureToolchain } from "../../../lab/toolchain/toolchain.js";
import { cluster, privateFile, root, scratch, world } from "../cluster.js";
import { bucket, keys, type Places } from "./places.js";

// biome-ignore lint/suspicious/noExplicitAny: settings are of all shapes
export type Change = (settings: any) => void;

/** The program of test/kubernetes/dumps/stack, as a stack of its own with the real CLI. */
export interface Program {
  /** Runs a command with the settings, altered for this once. @throws Error with its output when it fails */
  pulumi(args: string[], change?: Change): Promise<string>;
  up(change?: Change): Promise<string>;
}

const folder = join(root, "test/kubernetes/dumps/stack");
const stack = "dumps";

export async function prepareProgram(places: Places, identity: string): Promise<Program> {
  const directory = scratch("program");
  const toolchain = await ensureToolchain({
    cacheDir: world.cache,
    projectRoot: root,
    log: () => {},
    plugins: ["kubernetes"],
  });
  const state = join(directory, "state");
  for (const name of [state, join(directory, "init")]) mkdirSync(name, { recursive: true });
  const env = {
    ...stackEnv(world, toolchain),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: privateFile(directory, "passphrase", "only-for-this-test\n"),
  };
  const file = join(directory, "Pulumi.dumps.yaml");
  const run = async (args: string[], cwd = folder, input?: string) => {
    const config = args[0] === "stack" ? [] : ["--config-file", file];
    const { exitCode, all } = await execa(
      toolchain.pulumi,
      [...args, "--stack", stack, "--cwd", cwd, "--non-interactive", "--color=never", ...config],
      { env, all: true, reject: false, ...(input === undefined ? { stdin: "ignore" } : { input }) },
    );
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}: ${all}`);
    return String(all);
  };
  if (!existsSync(join(state, ".pulumi/stacks/restorable", `${stack}.json`))) {
    copyFileSync(join(folder, "Pulumi.yaml"), join(directory, "init", "Pulumi.yaml"));
    await execa(toolchain.pulumi, ["stack", "init", stack, "--cwd", join(directory, "init"), "--non-interactive"], {
      env,
    });
  }
  const secrets = {
    kubernetesIdentity: identity,
    kubernetesWriterKey: keys.writer.key,
    kubernetesWriterKeySecret: keys.writer.secret,
    kubernetesReaderKey: keys.reader.key,
    kubernetesReaderKeySecret: keys.reader.secret,
  };
  /** The secrets as the CLI has encrypted them. */
  let encrypted: Record<string, unknown> | undefined;
  const write = async (change?: Change): Promise<void> => {
    const settings = {
      ...clusterSettings(world.name),
      kubeconfigFile: cluster.kubeconfig,
      pushgatewayUrl: places.pushgatewayUrl,
      bucket: { endpoint: cluster.machine, port: places.port, bucket },
    };
    change?.(settings);
    const config = { "restorable:kubernetes": settings, "restorable:storeCa": places.ca };
    if (encrypted)
      return writeFileSync(file, stringify({ ...encrypted, config: { ...config, ...Object(encrypted.config) } }));
    writeFileSync(file, stringify({}));
    for (const [name, value] of Object.entries(secrets))
      await run(["config", "set", "--secret", `restorable:${name}`], folder, value);
    encrypted = parse(readFileSync(file, "utf8"));
    return write(change);
  };
  const pulumi = async (args: string[], change?: Change) => {
    await write(change);
    return run(args);
  };
  return { pulumi, up: (change) => pulumi(["up", "--yes", "--skip-preview", "--suppress-outputs"], change) };
}
