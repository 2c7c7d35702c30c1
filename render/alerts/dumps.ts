import type { StackAlertsArgs } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** One dump that must report; the rules are there only with dumps. */
export interface ExpectedDump {
  readonly kind: string;
  /** Label `host` of its metrics. */
  readonly host: string;
}

const onHost =
  "Look on that host: `journalctl -t restorable-dump-{{ $labels.kind }} -n 50`, then run backup.sh of that kind by hand.";

/** Alerts on the daily dumps of hosts. By kind and host: a healthy one never stands for another. */
export function dumpAlerts(
  { expected, prefix }: StackAlertsArgs,
  dumps: readonly ExpectedDump[],
  limits: AlertThresholds,
): Alert[] {
  const { latest, now } = series(expected);
  const success = `${prefix}_dump_last_success_timestamp_seconds`;
  const size = (range: string) => `${now(`${prefix}_dump_size_bytes`)}[${range}]`;
  const stale: Omit<Alert, "expr" | "forSeconds"> = {
    name: "DumpStale",
    severity: "warning",
    page: true,
    summary: "The newest dump of a host is too old.",
    description:
      "The dump of {{ $labels.kind }} on {{ $labels.host }} has not succeeded within the last " +
      `${prometheusDuration(limits.dumpStaleSeconds)}, or nobody reports one. ${onHost}`,
  };
  return [
    {
      name: "DumpFailed",
      expr: `max by (stanza, kind, host) (${latest(`${prefix}_dump_failed`)}) == 1`,
      forSeconds: limits.dumpFailedForSeconds,
      severity: "warning",
      page: true,
      summary: "The last dump of a host failed.",
      description: `The dump of {{ $labels.kind }} on {{ $labels.host }} failed; its older dumps stay as they are. ${onHost}`,
    },
    {
      ...stale,
      labels: { source: "age" },
      expr: `time() - max by (stanza, kind, host) (${latest(success)}) > ${limits.dumpStaleSeconds}`,
      forSeconds: limits.dumpStaleForSeconds,
    },
    {
      ...stale,
      labels: { source: "absent" },
      expr: dumps.map((labels) => `absent(${now(success, { ...labels })})`).join(" or "),
      forSeconds: limits.dumpMissingForSeconds,
    },
    {
      name: "DumpSmall",
      expr:
        `min by (stanza, kind, host) (last_over_time(${size("1h")})) < ` +
        `${limits.dumpSizeRatio} * max by (stanza, kind, host) (quantile_over_time(0.5, ${size("7d")}))`,
      forSeconds: limits.dumpSmallForSeconds,
      severity: "warning",
      summary: "A dump of a host is much smaller than those of the week before.",
      description:
        "The newest dump of {{ $labels.kind }} on {{ $labels.host }} has {{ $value | humanize1024 }}B, less than " +
        `${limits.dumpSizeRatio} of the week's median. Was something deleted on purpose? ${onHost}`,
    },
  ];
}
