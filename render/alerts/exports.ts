import type { StackAlertsArgs } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** What must be exported; the rules are there only with exports. */
export interface ExpectedExports {
  /** Databases that must report; `@globals`, the roles, always is one. */
  readonly databases: readonly string[];
}

const onPrimary =
  "Look on the primary: `journalctl -u restorable-export.service -n 50`, then `systemctl start restorable-export.service`.";
const onDrillHost =
  "Look on the drill host: `journalctl -u restorable-export-drill.service -n 50`, then `export-drill.sh --keep`.";

/** Alerts on logical exports and their drill. By database: a healthy one never stands for another. */
export function exportAlerts(
  { expected, prefix, drillStaleSeconds }: StackAlertsArgs & { readonly drillStaleSeconds: number },
  exports: ExpectedExports,
  limits: AlertThresholds,
): Alert[] {
  const { latest, now, bridge } = series(expected);
  const success = latest("restorable_export_last_success_timestamp_seconds");
  const size = (range: string) => `restorable_export_size_bytes{stanza=${JSON.stringify(expected.stanza)}}[${range}]`;
  const drill = (name: string) => latest(`${prefix}_export_drill_${name}`);
  const absentOf = (databases: readonly string[], metric: (labels: Record<string, string>) => string) =>
    databases.map((database) => ` or absent_over_time(${metric({ database })}[${bridge}])`).join("");
  return [
    {
      name: "ExportFailed",
      expr: `max by (stanza, database) (${latest("restorable_export_failed")}) == 1`,
      forSeconds: limits.exportFailedForSeconds,
      severity: "warning",
      page: true,
      summary: "The last logical export of a database failed.",
      description: `Database {{ $labels.database }} was not exported; its older exports stay as they are. ${onPrimary}`,
    },
    {
      name: "ExportStale",
      // After a failover the former primary's figures stay until its own timer runs: the newest counts.
      expr:
        `time() - max by (stanza, database) (${success}) > ${limits.exportStaleSeconds}` +
        absentOf(exports.databases, (labels) => now("restorable_export_last_success_timestamp_seconds", labels)),
      forSeconds: limits.exportStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "The newest logical export of a database is too old.",
      description:
        `Database {{ $labels.database }} has no export of the last ${prometheusDuration(limits.exportStaleSeconds)}, ` +
        `or nobody reports one. ${onPrimary}`,
    },
    {
      name: "ExportSmall",
      expr:
        `min by (stanza, database) (last_over_time(${size("1h")})) < ` +
        `${limits.exportSizeRatio} * max by (stanza, database) (quantile_over_time(0.5, ${size("7d")}))`,
      forSeconds: limits.exportSmallForSeconds,
      severity: "warning",
      summary: "A logical export is much smaller than those of the week before.",
      description:
        "The newest export of database {{ $labels.database }} has {{ $value | humanize1024 }}B, less than " +
        `${limits.exportSizeRatio} of the week's median. Were rows deleted on purpose? ${onPrimary}`,
    },
    {
      name: "ExportDrillFailed",
      expr: `${drill("last_success")} == 0`,
      forSeconds: limits.drillFailedForSeconds,
      severity: "critical",
      page: true,
      summary: "The last drill of a logical export failed: it may not be restorable.",
      description: `The drill of the export of {{ $labels.database }} failed, reason {{ $labels.reason }}. ${onDrillHost}`,
    },
    {
      name: "ExportDrillStale",
      expr:
        `time() - ${drill("last_run_timestamp_seconds")} > ${drillStaleSeconds}` +
        absentOf(exports.databases, (labels) => now(`${prefix}_export_drill_last_run_timestamp_seconds`, labels)),
      forSeconds: limits.drillStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "No drill of a logical export has come to a verdict for too long.",
      description:
        `The last verdict on the export of {{ $labels.database }} is older than ` +
        `${prometheusDuration(drillStaleSeconds)}, or there is none. ${onDrillHost}`,
    },
  ];
}
