import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { authoritySecret } from "../settings/authority.js";
import { namespace } from "../settings/problems.js";
import type { Escrow } from "./format.js";
import { runPulumi, type StackAccess } from "./stack.js";

/** Settings with which an empty host brings the formation back from a repository. */
export function rebuildSettings(escrow: Escrow, repository: number, targetTime?: string): Record<string, unknown> {
  return {
    ...escrow.settings,
    // The secrets are those of the escrow: made anew, they would open no backup.
    generateSecrets: false,
    recoverFrom: { repository, ...(targetTime === undefined ? {} : { targetTime }) },
  };
}

/** Keys that the stack makes with its bucket, unless the bucket exists: then they are configured. */
const madeByBucket = /^offsite(?:Writer|Reader)Key/;

/**
 * Writes a stack's settings file from an escrow, its secrets encrypted by the stack's secrets provider.
 *
 * The stack has to be there (`pulumi stack init`); what that wrote into the file, a salt or a provider, stays.
 *
 * @throws Error when the file has settings already, or the CLI fails
 */
export async function restoreConfiguration(
  access: StackAccess & { configFile: string },
  escrow: Escrow,
  options: { repository: number; targetTime?: string },
): Promise<void> {
  const there = existsSync(access.configFile) ? (parse(readFileSync(access.configFile, "utf8")) ?? {}) : {};
  if (Object.keys(there.config ?? {}).length > 0)
    throw new Error(`${access.configFile} holds settings already: move it away first`);
  const settings = rebuildSettings(escrow, options.repository, options.targetTime);
  const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${namespace}:${key}`, value]));
  writeFileSync(access.configFile, stringify({ ...there, config }), { mode: 0o600 });
  const { key, certificate } = escrow.authority;
  const { kind } = (escrow.settings.offsite ?? {}) as { kind?: unknown };
  const kept = Object.entries(escrow.secrets).filter(([name]) => kind === "existing" || !madeByBucket.test(name));
  const secrets = { ...Object.fromEntries(kept), [authoritySecret.name]: `${key.trim()}\n${certificate.trim()}\n` };
  for (const [name, value] of Object.entries(secrets))
    await runPulumi(access, ["config", "set", "--secret", `${namespace}:${name}`], value);
}
