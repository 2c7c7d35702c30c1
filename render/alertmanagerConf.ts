import { Document } from "yaml";
import type { AlertName } from "./alerting/alertNames.js";
import { type Inhibition, inhibitions } from "./alerting/inhibitions.js";

/** Names of the receivers in the configuration. */
export const receiverNames = { pager: "pager", ticket: "ticket", deadMansSwitch: "dead-mans-switch" } as const;
export type Receiver = keyof typeof receiverNames;

export interface AlertmanagerConfArgs {
  /** Those that have a webhook. The others are there, and send nothing. */
  readonly receivers: ReadonlySet<Receiver>;
  readonly groupWaitSeconds: number;
  readonly groupIntervalSeconds: number;
  readonly repeatIntervalHours: number;
  readonly deadMansSwitchSeconds: number;
}

/** File that holds a receiver's webhook URL, readable by Alertmanager only. */
export function webhookFile(receiver: Receiver): string {
  return `/etc/prometheus/webhooks/${receiverNames[receiver]}.url`;
}

const deadMansSwitch: AlertName = "DeadMansSwitch";

/** Configuration of Alertmanager: routes, receivers, inhibition. Holds no secret: webhooks stand in files of their own. */
export function renderAlertmanagerConf(args: AlertmanagerConfArgs): string {
  const seconds = (value: number) => `${value}s`;
  const document = new Document({
    route: {
      receiver: receiverNames.ticket,
      group_by: ["alertname", "stanza"],
      group_wait: seconds(args.groupWaitSeconds),
      group_interval: seconds(args.groupIntervalSeconds),
      repeat_interval: `${args.repeatIntervalHours}h`,
      routes: [
        {
          receiver: receiverNames.deadMansSwitch,
          matchers: [matcher("alertname", "=", deadMansSwitch)],
          group_wait: "0s",
          // A repetition is due at the first look after repeat_interval: a shorter look keeps it on time.
          group_interval: seconds(Math.max(1, Math.floor(args.deadMansSwitchSeconds / 4))),
          repeat_interval: seconds(args.deadMansSwitchSeconds),
        },
        { receiver: receiverNames.pager, matchers: [matcher("severity", "=", "critical")] },
        { receiver: receiverNames.pager, matchers: [matcher("page", "=", "true")] },
      ],
    },
    inhibit_rules: inhibitions.map(inhibitRule),
    receivers: (Object.keys(receiverNames) as Receiver[]).map((receiver) => ({
      name: receiverNames[receiver],
      ...(args.receivers.has(receiver)
        ? { webhook_configs: [{ url_file: webhookFile(receiver), send_resolved: receiver !== "deadMansSwitch" }] }
        : {}),
    })),
  });
  document.commentBefore = " Rendered from the stack's settings; the next update overwrites changes made here.";
  return document.toString({ lineWidth: 0 });
}

const matcher = (label: string, operator: "=" | "=~", value: string) => `${label}${operator}${JSON.stringify(value)}`;
const matchers = (labels: Readonly<Record<string, string>> = {}) =>
  Object.entries(labels).map(([label, value]) => matcher(label, "=", value));

function inhibitRule({ source, sourceLabels, targets, targetLabels, equal }: Inhibition) {
  return {
    source_matchers: [matcher("alertname", "=", source), ...matchers(sourceLabels)],
    target_matchers: [matcher("alertname", "=~", targets.join("|")), ...matchers(targetLabels)],
    equal: [...equal],
  };
}
