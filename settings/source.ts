import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { authoritySecret } from "./authority.js";
import { kubeconfigSecret } from "./kubernetesChecks.js";
import { namespace } from "./problems.js";
import { schema } from "./schema.js";
import { type PlainSecrets, secretNames, sshPrivateKey } from "./secrets.js";
import { webhookSecretNames } from "./webhooks.js";

/** A stack's configuration as Pulumi hands it over. */
export interface ConfigSource {
  /** Plain keys with their values, unknown keys included. */
  raw: Record<string, unknown>;
  secrets: PlainSecrets;
  isEncrypted: (name: string) => boolean;
}

const types = new Map(
  Object.entries((z.toJSONSchema(schema, { io: "input" }).properties ?? {}) as Record<string, { type?: string }>).map(
    ([name, { type }]) => [name, type],
  ),
);
const secretSet = new Set<string>([
  ...secretNames,
  ...webhookSecretNames,
  sshPrivateKey.name,
  authoritySecret.name,
  kubeconfigSecret.name,
]);

/** Reads the configuration of the stack that runs. */
export function readConfig(): ConfigSource {
  const entries = Object.entries(pulumi.runtime.allConfig() as Record<string, string>);
  return { ...partConfig(entries.filter(([key]) => key.startsWith(`${namespace}:`))), isEncrypted };
}

/** Parts full keys and texts into typed values and secrets. What Pulumi.yaml leaves empty counts as absent. */
export function partConfig(entries: [key: string, text: string][]): Pick<ConfigSource, "raw" | "secrets"> {
  const raw: Record<string, unknown> = {};
  const secrets: PlainSecrets = {};
  for (const [key, text] of entries) {
    const name = key.slice(namespace.length + 1);
    if (secretSet.has(name)) secrets[name] = text;
    else if (text !== "" && text !== "{}") raw[name] = typed(text, types.get(name));
  }
  return { raw, secrets };
}

/** Pulumi hands every value over as text: objects, lists, numbers and booleans as JSON. */
function typed(text: string, type: string | undefined): unknown {
  if (type === undefined || type === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isEncrypted(name: string): boolean {
  // Part of the SDK's runtime, though not of its type declarations: it reads the list that the engine hands over.
  const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };
  return isConfigSecret(`${namespace}:${name}`);
}
