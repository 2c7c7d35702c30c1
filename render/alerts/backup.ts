import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** One drill that must report: a repository of a stanza. */
export interface ExpectedDrill {
  readonly stanza: string;
  /** pgBackRest's repository number; the metrics carry it as label `repo`. */
  readonly repository: number;
}

export interface BackupAlertsArgs {
  /** First part of the drill's metric names. */
  readonly prefix: string;
  /** Age in seconds after which the last verified drill counts as stale. */
  readonly drillStaleSeconds: number;
  readonly expectedDrills: readonly ExpectedDrill[];
}

const subject = "stanza {{ $labels.stanza }}, repository {{ $labels.repo }}";
const howToLook =
  "Look on the drill host: `journalctl -u 'pgbackrest-drill*.service' -n 100`, " +
  "`systemctl list-timers 'pgbackrest-drill*'`, " +
  "then `/usr/local/bin/dr-drill.sh --repo {{ $labels.repo }} --keep`.";

/** Alerts on the restore drill. Every one that can hide a broken backup pages, whatever its severity. */
export function backupAlerts(args: BackupAlertsArgs, limits: AlertThresholds): Alert[] {
  const metric = (name: string) => `${args.prefix}_backup_drill_${name}`;
  return [
    {
      name: "BackupRestoreDrillFailed",
      expr: `${metric("last_success")} == 0`,
      forSeconds: limits.drillFailedForSeconds,
      severity: "critical",
      page: true,
      summary: "The last restore drill failed: the backups may not be restorable.",
      description: `The drill of ${subject} failed, reason {{ $labels.reason }}. ${howToLook}`,
    },
    {
      name: "BackupRestoreDrillStale",
      expr: `time() - ${metric("last_run_timestamp_seconds")} > ${args.drillStaleSeconds}`,
      forSeconds: limits.drillStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "No restore drill has come to a verdict for too long.",
      description:
        `The last verdict on ${subject} is {{ $value | humanizeDuration }} old` +
        ` (limit ${prometheusDuration(args.drillStaleSeconds)}). ${howToLook}`,
    },
    ...args.expectedDrills.map((drill) => absent(drill, metric, limits)),
    {
      name: "BackupRestoreDrillUnverified",
      expr: `${metric("outcome")}{outcome="unverified"} == 1`,
      forSeconds: limits.drillUnverifiedForSeconds,
      severity: "warning",
      summary: "The last restore drill could not verify the backups.",
      description: `The drill of ${subject} came to no verdict: its environment failed, not the backup. ${howToLook}`,
    },
  ];
}

/**
 * One rule per drill: `absent()` without label matchers hides one missing repository behind a healthy one. It covers
 * both metrics that the other alerts compare, since a comparison with a missing series never fires.
 */
function absent(drill: ExpectedDrill, metric: (name: string) => string, limits: AlertThresholds): Alert {
  const labels = { stanza: drill.stanza, repo: String(drill.repository) };
  const selector = `{stanza=${JSON.stringify(labels.stanza)},repo=${JSON.stringify(labels.repo)}}`;
  return {
    name: "BackupRestoreDrillAbsent",
    expr: `absent(${metric("last_success")}${selector}) or absent(${metric("last_run_timestamp_seconds")}${selector})`,
    forSeconds: limits.drillAbsentForSeconds,
    severity: "warning",
    page: true,
    labels,
    summary: "An expected restore drill reports no metrics.",
    description: `Prometheus has no drill metrics of ${subject}; no other drill alert can fire for it. ${howToLook}`,
  };
}
