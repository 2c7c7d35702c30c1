import { repositoryUnit } from "../repositoryUnits.js";
import type { StackAlertsArgs } from "./expected.js";
import { outageAlerts } from "./outage.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** Alerts on what the repositories hold, each repository by itself: a healthy one never stands for a dead one. */
export function repositoryAlerts({ expected, prefix }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { latest } = series(expected);
  const ofDrill = (name: string) => latest(`${prefix}_backup_drill_${name}`);
  return [
    ...expected.repositories.flatMap((repository) => [
      stale("FullBackupStale", repository, "full", limits.fullBackupStaleSeconds),
      stale("DiffBackupStale", repository, "full|diff", limits.diffBackupStaleSeconds),
    ]),
    {
      name: "RepositoryUnreachable",
      expr: `${latest("restorable_repository_reachable")} == 0`,
      forSeconds: limits.repositoryUnreachableForSeconds,
      severity: "critical",
      summary: "A backup repository does not answer a data node.",
      description:
        "{{ $labels.instance }} gets no answer from repository {{ $labels.repo }}: it takes neither backups nor WAL. " +
        "Look there: `pgbackrest --stanza={{ $labels.stanza }} --repo={{ $labels.repo }} info` as postgres.",
    },
    ...outageAlerts(expected, limits),
    {
      name: "DrillRtoExceeded",
      expr: `${ofDrill("restore_duration_seconds")} > ${ofDrill("rto_bound_seconds")}`,
      forSeconds: limits.drillRtoForSeconds,
      severity: "warning",
      summary: "A restore takes longer than is promised.",
      description:
        "The last drill of stanza {{ $labels.stanza }}, repository {{ $labels.repo }} needed " +
        "{{ $value | humanizeDuration }} until the copy took writes, more than drill.rtoBoundSeconds. " +
        "Look on the drill host: `journalctl -u 'pgbackrest-drill*.service' -n 100`.",
    },
  ];

  /** A repository without any such backup has no series: its absence is the oldest age. */
  function stale(name: string, repository: number, types: string, bound: number): Alert {
    const labels = { repo: String(repository), "type=~": types };
    const newest = latest("restorable_repository_last_backup_timestamp_seconds", labels);
    const what = types === "full" ? "full backup" : "backup, full or differential,";
    return {
      name,
      expr: `time() - max by (stanza, repo) (${newest}) > ${bound} or absent(${newest})`,
      forSeconds: limits.backupStaleForSeconds,
      severity: "warning",
      page: true,
      labels: { stanza: expected.stanza, repo: String(repository) },
      summary: `The newest ${what} of a repository is too old.`,
      description:
        `Repository ${repository} of stanza ${expected.stanza} has no ${what} of the last ` +
        `${prometheusDuration(bound)}, or nobody reports one. Look on the primary: ` +
        `\`journalctl -u ${repositoryUnit(`pgbackrest-${types === "full" ? "full" : "diff"}`, repository)}.service -n 100\`.`,
    };
  }
}
