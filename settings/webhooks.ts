import { webhookPattern } from "./alerting.js";
import type { Settings } from "./complete.js";
import { isPlaceholder } from "./placeholders.js";
import { namespace, type Problem } from "./problems.js";

/** Who alerts are sent to, as `alerting` names them. */
export type ReceiverName = "pager" | "ticket" | "deadMansSwitch";

/** Secrets that may be left out: webhooks, whose URLs hold tokens. */
export const webhookSecrets = {
  pagerWebhookUrl: { receiver: "pager", meaning: "Webhook of the pager, when its URL holds a token." },
  ticketWebhookUrl: { receiver: "ticket", meaning: "Webhook for tickets, when its URL holds a token." },
  deadMansSwitchWebhookUrl: {
    receiver: "deadMansSwitch",
    meaning: "Webhook of the dead man's switch, when its URL holds a token.",
  },
} as const satisfies Record<string, { receiver: ReceiverName; meaning: string }>;

export type WebhookSecretName = keyof typeof webhookSecrets;
export const webhookSecretNames = Object.keys(webhookSecrets) as WebhookSecretName[];

const unused =
  "is set, but the stack configures no Alertmanager: set monitoring or prometheus.alertmanager, or remove it";

/** What is wrong with those that are set, without ever showing a part of one. */
export function webhookProblems(
  raw: Record<string, unknown>,
  secrets: Partial<Record<string, string | undefined>>,
): Problem[] {
  const alerting = (raw.alerting ?? {}) as Record<string, { webhookUrl?: unknown } | undefined>;
  const own =
    raw.monitoring !== undefined || (raw.prometheus as { alertmanager?: unknown })?.alertmanager !== undefined;
  return webhookSecretNames.flatMap((name) => {
    const value = secrets[name] ?? "";
    const { receiver } = webhookSecrets[name];
    const open = alerting[receiver]?.webhookUrl;
    if (value === "" && open === undefined) return [];
    if (!own) return [{ path: value ? [name] : ["alerting", receiver, "webhookUrl"], message: unused }];
    if (value === "") return [];
    const message = isPlaceholder(value)
      ? `is still a placeholder; set it with: pulumi config set --secret ${namespace}:${name}, or remove it`
      : !webhookPattern.test(value)
        ? "is no http or https URL"
        : open !== undefined
          ? `is set beside alerting.${receiver}.webhookUrl: remove one of the two`
          : undefined;
    return message ? [{ path: [name], message }] : [];
  });
}

/** Receivers that have a webhook, plain or secret. @param secrets names of the secrets that are set */
export function configuredReceivers({ alerting }: Settings, secrets: Iterable<string>): ReadonlySet<ReceiverName> {
  const set = new Set(secrets);
  const names = webhookSecretNames.flatMap((name) => {
    const { receiver } = webhookSecrets[name];
    return set.has(name) || alerting[receiver].webhookUrl !== undefined ? [receiver] : [];
  });
  return new Set(names);
}

/** Who will not hear of alerts: sentences to show at preview. */
export function receiverWarnings(settings: Settings, receivers: ReadonlySet<ReceiverName>): string[] {
  const consequence: Record<ReceiverName, string> = {
    pager: "nobody will be paged",
    ticket: "warnings reach nobody",
    deadMansSwitch: "nobody will notice when the monitoring itself is down",
  };
  if (!settings.monitoring && !settings.prometheus?.alertmanager) return [];
  return webhookSecretNames.flatMap((name) => {
    const { receiver } = webhookSecrets[name];
    if (receivers.has(receiver)) return [];
    return [
      `No webhook for ${receiver} (alerting.${receiver}.webhookUrl or the secret ${name}): ${consequence[receiver]}.`,
    ];
  });
}
