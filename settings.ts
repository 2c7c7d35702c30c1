import * as pulumi from "@pulumi/pulumi";
import { authoritySecret } from "./settings/authority.js";
import { type ResolvedSettings, readKeyFiles } from "./settings/files.js";
import { kubeconfigSecret } from "./settings/kubernetesChecks.js";
import { parseSettings, secretShape } from "./settings/parse.js";
import { namespace } from "./settings/problems.js";
import { configuredSecrets, generatedSecrets, type SecretName, sshPrivateKey } from "./settings/secrets.js";
import { readConfig } from "./settings/source.js";
import { type ReceiverName, webhookSecretNames, webhookSecrets } from "./settings/webhooks.js";

export type { FormationNode, Host, Repository, Settings } from "./settings/complete.js";
export { failureDomainWarnings } from "./settings/failureDomains.js";
export type { KeyedHost, ResolvedSettings } from "./settings/files.js";
export { type ParseOptions, parsePlainSettings, parseSettings } from "./settings/parse.js";
export { type Problem, SettingsError } from "./settings/problems.js";
export type { RawSettings } from "./settings/schema.js";
export type { SecretName } from "./settings/secrets.js";
export { readStackFile } from "./settings/stackFile.js";
export { configuredReceivers, type ReceiverName, receiverWarnings } from "./settings/webhooks.js";

/** The stack's secrets, marked as such wherever they go. */
export type SecretSettings = Partial<Record<SecretName, pulumi.Output<string>>>;

export interface StackSettings {
  settings: ResolvedSettings;
  /** Those that the configuration holds. */
  secrets: SecretSettings;
  /** Names of those that are to be made as resources (`generateSecrets`). */
  generated: SecretName[];
  /** Webhooks that alerts are posted to, by receiver; those that are not set are absent. */
  webhooks: Partial<Record<ReceiverName, pulumi.Output<string>>>;
  /** Private key as text: wrap it with `pulumi.secret` where it is used. */
  sshPrivateKey: string;
  /** kubeconfig as text, likewise; absent without a cluster. */
  kubeconfig?: string;
  /** PEM of key and certificate of an authority to go on with. */
  authority?: pulumi.Output<string>;
}

/**
 * Reads and validates the configuration of the stack that runs. Meant as the first thing the program does: no resource
 * is registered before.
 *
 * @throws SettingsError that names every problem at once and shows no secret
 */
export function readSettings(): StackSettings {
  const stack = pulumi.getStack();
  const { raw, secrets, isEncrypted } = readConfig();
  const plain = parseSettings(raw, secrets, { stack, isEncrypted });
  const files = readKeyFiles(plain, secrets[sshPrivateKey.name], { stack, kubeconfig: secrets[kubeconfigSecret.name] });
  const config = new pulumi.Config(namespace);
  const webhooks: StackSettings["webhooks"] = {};
  for (const name of webhookSecretNames) {
    const { receiver } = webhookSecrets[name];
    const open = plain.alerting[receiver].webhookUrl;
    if (secrets[name]) webhooks[receiver] = config.requireSecret(name);
    else if (open !== undefined) webhooks[receiver] = pulumi.secret(open);
  }
  const shape = secretShape(plain);
  const outputs = configuredSecrets(shape).map((name) => [name, config.requireSecret(name)]);
  const configured = Object.fromEntries(outputs) as SecretSettings;
  const authority = secrets[authoritySecret.name] ? { authority: config.requireSecret(authoritySecret.name) } : {};
  return { ...files, webhooks, ...authority, secrets: configured, generated: generatedSecrets(shape) };
}
