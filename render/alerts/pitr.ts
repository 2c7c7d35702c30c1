import type { AlertThresholds } from "./thresholds.js";
import type { Alert } from "./types.js";

export interface PitrAlertsArgs {
  /** First part of the drill's metric names. */
  readonly prefix: string;
  /** Age in seconds after which the last verified drill counts as stale. */
  readonly drillStaleSeconds: number;
  /** Whether there is a drill to a random moment; without it there are no alerts. */
  readonly pitrDrills: boolean;
}

const subject = "stanza {{ $labels.stanza }}, repository {{ $labels.repo }}";
const howToLook =
  "Look on the drill host: `journalctl -u pgbackrest-drill-pitr.service -n 100`, " +
  "then `/usr/local/bin/dr-drill.sh --repo {{ $labels.repo }} --target-time random`.";

/** Alerts on the drill to a random moment of the retention window. */
export function pitrAlerts(
  { prefix, drillStaleSeconds, pitrDrills }: PitrAlertsArgs,
  limits: AlertThresholds,
): Alert[] {
  if (!pitrDrills) return [];
  const pitrRun = `${prefix}_backup_drill_pitr_last_run_timestamp_seconds`;
  return [
    {
      name: "PitrDrillFailed",
      expr: `${prefix}_backup_drill_pitr_last_success == 0`,
      forSeconds: limits.drillFailedForSeconds,
      severity: "critical",
      page: true,
      summary: "The last drill to a point in time failed: the retention window may not be whole.",
      description: `The drill of ${subject} to a random moment failed, reason {{ $labels.reason }}. ${howToLook}`,
    },
    {
      name: "PitrDrillStale",
      // Never run counts from the first drill on: its own series cannot be missed before there was one.
      expr:
        `time() - ${pitrRun} > ${drillStaleSeconds} or ` +
        `(${prefix}_backup_drill_last_run_timestamp_seconds offset ${drillStaleSeconds}s unless on (stanza, repo) ${pitrRun})`,
      forSeconds: limits.drillStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "No drill to a point in time has come to a verdict for too long.",
      description: `The drill of ${subject} to a random moment has not passed or failed in time. ${howToLook}`,
    },
  ];
}
