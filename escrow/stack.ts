import { execa } from "execa";
import { authoritySecret } from "../settings/authority.js";
import { namespace } from "../settings/problems.js";
import { sshPrivateKey } from "../settings/secrets.js";
import { partConfig } from "../settings/source.js";

/** How the Pulumi CLI reaches a stack. */
export interface StackAccess {
  /** Path of the CLI, or its name on PATH. */
  pulumi: string;
  env: Record<string, string>;
  /** Checkout, the folder of Pulumi.yaml. */
  root: string;
  stack: string;
  /** Settings file of the stack; Pulumi's own choice when absent. */
  configFile?: string;
}

/** What a stack's configuration says, secrets in clear text: for memory only. */
export interface StackConfiguration {
  /** Plain settings by key without namespace. */
  settings: Record<string, unknown>;
  /** Configured secrets that are set. */
  secrets: Record<string, string>;
}

/**
 * Runs the CLI on a stack; what it prints goes to this program only.
 *
 * @param input its standard input: where a secret goes
 * @throws Error with the CLI's own words, which hold no secret
 */
export async function runPulumi(access: StackAccess, args: string[], input?: string): Promise<string> {
  const config = access.configFile !== undefined && args[0] !== "stack" ? ["--config-file", access.configFile] : [];
  const { exitCode, stdout, stderr } = await execa(
    access.pulumi,
    [...args, "--stack", access.stack, ...config, "--non-interactive", "--color=never"],
    {
      cwd: access.root,
      env: { ...access.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
      reject: false,
      ...(input === undefined ? { stdin: "ignore" } : { input }),
    },
  );
  if (exitCode === 0) return stdout;
  throw new Error(`pulumi ${args.slice(0, 2).join(" ")}: ${stderr.trim() || `exit ${exitCode ?? "unknown"}`}`);
}

interface ConfigEntry {
  value?: string;
  secret?: boolean;
}

/** Reads settings and secrets of a stack as they are configured. */
export async function readConfiguration(access: StackAccess): Promise<StackConfiguration> {
  const text = await runPulumi(access, ["config", "--json", "--show-secrets"]);
  return partEntries(JSON.parse(text) as Record<string, ConfigEntry>);
}

/** Parts what `pulumi config --json --show-secrets` prints. */
export function partEntries(entries: Record<string, ConfigEntry>): StackConfiguration {
  const own = Object.entries(entries).filter(([key]) => key.startsWith(`${namespace}:`));
  const { raw, secrets } = partConfig(own.map(([key, { value = "" }]) => [key, value]));
  // What is encrypted without being one of the known secrets is treated as one all the same.
  for (const [key, { secret, value }] of own) {
    const name = key.slice(namespace.length + 1);
    if (!secret || name in secrets) continue;
    delete raw[name];
    if (value !== undefined) secrets[name] = value;
  }
  const set = Object.entries(secrets).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return { settings: raw, secrets: Object.fromEntries(set) };
}

/**
 * Secrets as they are deployed, wherever they come from: the stack's own output for this.
 *
 * @throws Error when the stack was never deployed by a version that has it
 */
export async function readDeployedSecrets(access: StackAccess): Promise<Record<string, string>> {
  const outputs = JSON.parse(await runPulumi(access, ["stack", "output", "--json", "--show-secrets"])) as {
    escrow?: Record<string, string>;
  };
  if (!outputs.escrow) throw new Error(`stack ${access.stack} has no output escrow: run \`pulumi up\` first`);
  return outputs.escrow;
}

/** Secrets that belong to the operator and to the authority: not the program's to deploy. */
export const notDeployed = [sshPrivateKey.name, authoritySecret.name];
