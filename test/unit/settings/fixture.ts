import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../../../settings/files.js";
import type { RawSettings } from "../../../settings/schema.js";
import { secretNames, sshPrivateKey } from "../../../settings/secrets.js";
import { type ParseOptions, parseSettings, SettingsError } from "../../../settings.js";

export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
export const privateKey =
  "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----\n";

/** Secrets that pass. */
export const goodSecrets: Record<string, string> = {
  ...Object.fromEntries(secretNames.map((name, index) => [name, `${index}vJ8wQ3nXz5LrT7yKc2MbD4f`])),
  exportsIdentity: `AGE-SECRET-KEY-1${"Q".repeat(58)}`,
  kubernetesIdentity: `AGE-SECRET-KEY-1${"P".repeat(58)}`,
  [sshPrivateKey.name]: privateKey,
};

/** A configuration of production that passes with {@link goodSecrets}: only what has no default. */
export function smallest(): RawSettings {
  return {
    environment: "prod",
    hosts: [
      { name: "host-a", address: "10.1.0.1", hostKey, failureDomain: "a" },
      { name: "host-b", address: "10.1.0.2", hostKey, failureDomain: "b" },
    ],
    formation: {
      monitor: { host: "host-b", address: "10.1.0.11" },
      nodes: [
        { host: "host-a", address: "10.1.0.12" },
        { host: "host-b", address: "10.1.0.13" },
      ],
    },
    backup: { repositories: [{ number: 1, endpoint: "s3.acme.fr", bucket: "backups", failureDomain: "c" }] },
    offsite: { kind: "existing", endpoint: "s3.ailleurs.fr", bucket: "offsite", failureDomain: "d" },
    drill: { host: "host-b" },
  };
}

/**
 * {@link smallest} with other values, each under its path such as `formation.nodes[1].address`; `undefined` takes the
 * key away.
 */
export function changed(values: Record<string, unknown>): Record<string, unknown> {
  const raw: Record<string, unknown> = { ...smallest() };
  for (const [path, value] of Object.entries(values)) {
    const parts = path.split(/[.[\]]+/).filter((part) => part !== "");
    const last = parts.pop() ?? "";
    const target = parts.reduce<Record<string, unknown>>((inner, part) => {
      inner[part] ??= {};
      return inner[part] as Record<string, unknown>;
    }, raw);
    if (value === undefined) delete target[last];
    else target[last] = value;
  }
  return raw;
}

/** What a configuration is refused with; fails when it passes. */
export function refusal(
  raw: Record<string, unknown>,
  secrets: Record<string, string | undefined> = goodSecrets,
  options?: ParseOptions,
): SettingsError {
  try {
    parseSettings(raw, secrets, options);
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error("the settings were accepted");
}

export const readYaml = (name: string) => parse(readFileSync(join(projectRoot, name), "utf8"));
