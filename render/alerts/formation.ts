import type { StackAlertsArgs } from "./expected.js";
import { selector, series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

const showState =
  "Look on the monitor: `pg_autoctl show state --pgdata /var/lib/postgresql/*/pgaf/monitor` as postgres.";

/** Alerts on pg_auto_failover's formation: what its monitor says, checked against what the data nodes say. */
export function formationAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { stanza, monitor, scrapeIntervalSeconds } = expected;
  const { latest, now, bridge } = series(expected);
  const writers = `count(${now("restorable_postgres_in_recovery")} == 0)`;
  const claims = `count((${latest("restorable_formation_node_primary")} == 1) and (${latest("restorable_formation_node_healthy")} == 1))`;
  const standbys = `max(${latest("restorable_formation_standbys")})`;
  const wanted = `max(${latest("restorable_formation_nodes_expected")}) - 1`;
  const seen = latest("restorable_formation_metrics_timestamp_seconds", { instance: monitor.name });
  return [
    {
      name: "FormationDegraded",
      expr: `${standbys} == 0`,
      forSeconds: limits.formationDegradedForSeconds,
      severity: "critical",
      labels: { stanza },
      summary: "No standby could take over.",
      description: `No standby of stanza ${stanza} is healthy and in its place. ${showState}`,
    },
    {
      name: "FormationDegraded",
      expr: `${standbys} > 0 < ${wanted}`,
      forSeconds: limits.formationDegradedForSeconds,
      severity: "warning",
      labels: { stanza },
      summary: "A standby is missing; another one could take over.",
      description: `Stanza ${stanza} has {{ $value }} healthy standbys, fewer than it should. ${showState}`,
    },
    {
      name: "NoPrimary",
      // Not knowing of a primary counts as having none.
      expr: `max(${latest("restorable_formation_primaries")}) == 0 or absent(${now("restorable_postgres_in_recovery")} == 0)`,
      forSeconds: limits.noPrimaryForSeconds,
      severity: "critical",
      labels: { stanza },
      summary: "No data node takes writes.",
      description: `Neither monitor nor data nodes know of a primary of stanza ${stanza}. ${showState}`,
    },
    {
      name: "MultiplePrimaries",
      // The monitor counts only healthy nodes: of a dead one it remembers the last state for ever.
      expr: `${claims} > 1 or max_over_time((${writers} > 1)[${bridge}:${scrapeIntervalSeconds}s])`,
      // Longer than the look back: both seen in one scrape during a failover is no alarm.
      forSeconds: Math.max(limits.multiplePrimariesForSeconds, 6 * scrapeIntervalSeconds),
      severity: "critical",
      labels: { stanza },
      summary: "More than one data node takes writes: histories may diverge.",
      description: `{{ $value }} data nodes of stanza ${stanza} say that they are the primary. ${showState}`,
    },
    {
      name: "MonitorDown",
      expr: `time() - max(${seen}) > ${limits.formationAgeSeconds} or absent(${seen})`,
      forSeconds: limits.monitorDownForSeconds,
      severity: "critical",
      labels: { stanza, instance: monitor.name, role: "monitor", host: monitor.host },
      summary: "The monitor gives no word on the formation: nothing would fail over.",
      description:
        `${monitor.name} has said nothing new on stanza ${stanza} for more than ` +
        `${prometheusDuration(limits.formationAgeSeconds)}. Look there: \`systemctl status pg_autoctl\`, ` +
        "`journalctl -u restorable-formation-metrics.service -n 50`.",
    },
    {
      name: "FailoverHappened",
      expr: `time() - (max(${latest("restorable_formation_last_failover_timestamp_seconds")}) > 0) < ${limits.failoverNoticeSeconds}`,
      forSeconds: 0,
      severity: "info",
      labels: { stanza },
      summary: "Another data node has become the primary.",
      description:
        `A node of stanza ${stanza} became the primary {{ $value | humanizeDuration }} ago, by a failover or a ` +
        `switchover. ${showState}`,
    },
  ];
}

/** Alerts on Postgres itself, as its exporter on each data node sees it. */
export function postgresAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { stanza } = expected;
  const { latest, bridge, onPrimary } = series(expected);
  const lag = (source: string, metric: string, bound: number, said: string): Alert => ({
    name: "ReplicationLag",
    expr: `${latest(metric)} > ${bound}`,
    forSeconds: limits.replicationLagForSeconds,
    severity: "warning",
    labels: { source },
    summary: "A standby lags behind: it takes over late, and its reads are old.",
    description: `${said}. Look on the primary: \`psql -xc 'select * from pg_stat_replication'\` as postgres.`,
  });
  return [
    ...expected.dataNodes.map(({ name, host }): Alert => {
      const up = `last_over_time(pg_up${selector({ instance: name })}[${bridge}])`;
      return {
        name: "PostgresDown",
        expr: `max(${up}) == 0 or absent(${up})`,
        forSeconds: limits.postgresDownForSeconds,
        severity: "critical",
        labels: { stanza, instance: name, role: "data", host },
        summary: "Postgres on a data node does not answer.",
        description:
          `Postgres on ${name} does not answer its exporter, or the exporter does not answer. ` +
          "Look there: `systemctl status pg_autoctl prometheus-postgres-exporter`.",
      };
    }),
    lag(
      "bytes",
      "restorable_postgres_replay_lag_bytes",
      limits.replicationLagBytes,
      "Standby {{ $labels.standby }} has yet to replay {{ $value | humanize1024 }}B of {{ $labels.instance }}'s WAL",
    ),
    lag(
      "delay",
      "restorable_postgres_replay_delay_seconds",
      limits.replicationDelaySeconds,
      "The data on {{ $labels.instance }} is {{ $value | humanizeDuration }} behind the primary's",
    ),
    {
      name: "SyncReplicationLost",
      expr:
        `((${latest("restorable_postgres_sync_required")} == 0) or (${latest("restorable_postgres_sync_standbys")} == 0))` +
        ` ${onPrimary}`,
      forSeconds: limits.syncReplicationLostForSeconds,
      severity: "critical",
      summary: "No standby acknowledges commits: a failover would lose data, or commits hang.",
      description:
        "On {{ $labels.instance }} commits either wait for no standby (synchronous_standby_names is empty), or for one " +
        `that is not there. ${showState}`,
    },
    {
      name: "CommitsHanging",
      expr: `${latest("restorable_postgres_commit_wait_seconds")} > ${limits.commitWaitSeconds}`,
      forSeconds: limits.commitsHangingForSeconds,
      severity: "critical",
      summary: "Commits wait for a standby that does not answer.",
      description:
        "The oldest commit on {{ $labels.instance }} has waited {{ $value | humanizeDuration }} for a standby: the link " +
        "between the two may be cut while the monitor sees both, and then nothing ends it by itself. " +
        "Look there: `psql -xc 'select * from pg_stat_replication'` as postgres.",
    },
  ];
}
