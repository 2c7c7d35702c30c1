import type * as pulumi from "@pulumi/pulumi";
import { type Receiver, receiverNames } from "../render/alertmanagerConf.js";

/** Webhooks by the names that the step `alertmanager` reads: `WEBHOOK_DEAD_MANS_SWITCH`. */
export function webhookSecrets(
  webhooks: Partial<Record<Receiver, pulumi.Input<string>>>,
): Record<string, pulumi.Input<string>> {
  return Object.fromEntries(
    (Object.entries(webhooks) as [Receiver, pulumi.Input<string>][]).map(([receiver, url]) => [
      `WEBHOOK_${receiverNames[receiver].replaceAll("-", "_").toUpperCase()}`,
      url,
    ]),
  );
}
