import { selector } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** One database of a cluster, or one CNPG archive, by the labels of its series. */
export interface ClusterBackup {
  readonly namespace: string;
  readonly source: string;
  readonly database: string;
}

/** What must be reported; the rules are there only with a cluster. */
export interface ExpectedCluster {
  readonly databases: readonly ClusterBackup[];
  /** CNPG archives, which are verified and not dumped. */
  readonly archives: readonly ClusterBackup[];
  readonly drillNamespace: string;
}

// Two stacks may report to one Pushgateway.
const by = "by (stanza, namespace, source, database)";
const database = "{{ $labels.database }} of {{ $labels.source }} in namespace {{ $labels.namespace }}";

/** Alerts on dumps of databases in a cluster, their verification and their drill. What was pushed stays: no bridge. */
export function clusterAlerts(
  { prefix, drillStaleSeconds }: { readonly prefix: string; readonly drillStaleSeconds: number },
  { databases, archives, drillNamespace }: ExpectedCluster,
  limits: AlertThresholds,
): Alert[] {
  const metric = (name: string) => `${prefix}_cluster_${name}`;
  const absentOf = (backups: readonly ClusterBackup[], name: string) =>
    backups.map((labels) => ` or absent(${metric(name)}${selector({ ...labels })})`).join("");
  const dumps =
    "Look: `kubectl -n {{ $labels.namespace }} get cronjob,job,pod -l app.kubernetes.io/name=restorable-dump`, then the pod's log.";
  const inDrill = (job: string) =>
    `Look: \`kubectl -n ${drillNamespace} get cronjob,job,pod\`, then \`k8s-drill.sh --namespace ${drillNamespace}${job}\`.`;
  const size = (range: string) => `${metric("dump_size_bytes")}[${range}]`;
  return [
    {
      name: "ClusterDumpFailed",
      // A pod that was killed says nothing: then it is a start without an end.
      expr:
        `max ${by} (${metric("dump_failed")}) == 1 or ` +
        `max ${by} (${metric("dump_last_start_timestamp_seconds")} > (${metric("dump_last_end_timestamp_seconds")} or ` +
        `0 * ${metric("dump_last_start_timestamp_seconds")})) < time() - ${limits.clusterDumpHangingSeconds}`,
      forSeconds: limits.clusterDumpFailedForSeconds,
      severity: "warning",
      page: true,
      summary: "The last dump of a database in the cluster failed, or never ended.",
      description: `Database ${database} was not dumped; its older dumps stay as they are. ${dumps}`,
    },
    {
      name: "ClusterDumpStale",
      expr:
        `time() - max ${by} (${metric("dump_last_success_timestamp_seconds")}) > ${limits.clusterDumpStaleSeconds}` +
        absentOf(databases, "dump_last_success_timestamp_seconds"),
      forSeconds: limits.clusterDumpStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "The newest dump of a database in the cluster is too old.",
      description:
        `Database ${database} has no dump of the last ${prometheusDuration(limits.clusterDumpStaleSeconds)}, ` +
        `or nobody reports one. ${dumps}`,
    },
    {
      name: "ClusterDumpSmall",
      expr:
        `min ${by} (${metric("dump_size_bytes")}) < ` +
        `${limits.clusterDumpSizeRatio} * max ${by} (quantile_over_time(0.5, ${size("7d")}))`,
      forSeconds: limits.clusterDumpSmallForSeconds,
      severity: "warning",
      summary: "A dump of a database in the cluster is much smaller than those of the week before.",
      description:
        `The newest dump of database ${database} has {{ $value | humanize1024 }}B, less than ` +
        `${limits.clusterDumpSizeRatio} of the week's median. Were rows deleted on purpose? ${dumps}`,
    },
    {
      name: "ClusterBackupVerifyFailed",
      expr: `max ${by} (${metric("verify_failed")}) == 1`,
      forSeconds: limits.clusterVerifyFailedForSeconds,
      severity: "critical",
      page: true,
      summary: "The off-cluster destination holds no fresh and whole backup.",
      description: `No good backup of ${database} was found at the destination. ${inDrill(" --cronjob cnpg-backup-verify")}`,
    },
    {
      name: "ClusterBackupUnverified",
      expr:
        `time() - max ${by} (${metric("verify_last_success_timestamp_seconds")}) > ${limits.clusterVerifyStaleSeconds}` +
        absentOf([...databases, ...archives], "verify_last_success_timestamp_seconds"),
      forSeconds: limits.clusterVerifyStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "No verification of an off-cluster backup has passed for too long.",
      description:
        `The backup of ${database} was not verified in the last ${prometheusDuration(limits.clusterVerifyStaleSeconds)}. ` +
        inDrill(" --cronjob cnpg-backup-verify"),
    },
    {
      name: "ClusterDrillFailed",
      expr: `${metric("drill_last_success")} == 0`,
      forSeconds: limits.drillFailedForSeconds,
      severity: "critical",
      page: true,
      summary: "The last drill of a database's dump failed: it may not be restorable.",
      description: `The drill of database ${database} failed, reason {{ $labels.reason }}. ${inDrill("")}`,
    },
    {
      name: "ClusterDrillStale",
      expr:
        `time() - max ${by} (${metric("drill_last_run_timestamp_seconds")}) > ${drillStaleSeconds}` +
        absentOf(databases, "drill_last_run_timestamp_seconds"),
      forSeconds: limits.drillStaleForSeconds,
      severity: "warning",
      page: true,
      summary: "No drill of a database's dump has come to a verdict for too long.",
      description:
        `The last verdict on the dump of database ${database} is older than ` +
        `${prometheusDuration(drillStaleSeconds)}, or there is none. ${inDrill("")}`,
    },
  ];
}
