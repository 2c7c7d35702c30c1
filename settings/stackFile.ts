import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "./files.js";
import { namespace } from "./problems.js";
import { type ConfigSource, partConfig } from "./source.js";

/** A stack's file as it is read without Pulumi. */
export interface StackFile extends Pick<ConfigSource, "raw" | "secrets"> {
  /** Names of the keys that are encrypted, as a whole or in part; they are left out. */
  encrypted: string[];
}

/**
 * Reads `Pulumi.<stack>.yaml` without Pulumi, for what needs no stack and no passphrase. Encrypted values stay out.
 *
 * @throws Error when there is no such file
 */
export function readStackFile(stack: string, root = projectRoot): StackFile {
  return readConfigFile(join(root, `Pulumi.${stack}.yaml`), `there is no stack ${stack}`);
}

/**
 * As {@link readStackFile}, for settings in another file: what `pulumi --config-file` takes.
 *
 * @param missing first words of the error when the file cannot be read
 */
export function readConfigFile(path: string, missing = "there are no such settings"): StackFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new Error(`${missing}: ${path} cannot be read`);
  }
  const { config = {} } = (parse(text) ?? {}) as { config?: Record<string, unknown> };
  const own = Object.entries(config).filter(([key]) => key.startsWith(`${namespace}:`));
  const plain = own.filter(([, value]) => !isEncrypted(value));
  return {
    // As Pulumi does: everything is text first, so that `true` and `"true"` are the same.
    ...partConfig(plain.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])),
    encrypted: own.filter(([, value]) => isEncrypted(value)).map(([key]) => key.slice(namespace.length + 1)),
  };
}

/** Pulumi writes an encrypted value as `secure: ...`, at the top or anywhere within an object. */
function isEncrypted(value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  const entries = Object.entries(value);
  return entries.some(([key, inner]) => (key === "secure" && entries.length === 1) || isEncrypted(inner));
}
