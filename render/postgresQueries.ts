import { stringify } from "yaml";

/** A data node as the primary sees it connect. */
export interface StandbyName {
  readonly name: string;
  readonly address: string;
}

const help = {
  in_recovery: "1 on a standby, 0 on a node that takes writes.",
  timeline: "Timeline that the node writes or replays.",
  sync_required: "1 if a commit has to wait for a standby (synchronous_standby_names is set).",
  standbys: "Standbys that stream from this node.",
  sync_standbys: "Of these, those whose acknowledgement counts.",
  commit_wait_seconds: "Age of the oldest statement that waits for a standby; 0 when none does.",
  replay_delay_seconds:
    "Age of the last replayed transaction while there is WAL to replay; 0 otherwise and on the primary.",
  connections: "Client connections.",
  max_connections: "Limit of connections.",
  last_archived_timestamp_seconds: "Last WAL file that archive_command took; 0 when none since the statistics began.",
  archive_failed_timestamp_seconds: "Last failure of archive_command; 0 when none since the statistics began.",
} as const;

const standbyFilter = "application_name LIKE 'pgautofailover\\_standby\\_%'";

/** One row. What cannot be known is infinite, never 0: an alert on an upper bound then fires. */
const state = `SELECT
  pg_is_in_recovery()::int AS in_recovery,
  CASE WHEN pg_is_in_recovery()
    THEN greatest((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()))
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END AS timeline,
  (current_setting('synchronous_standby_names') <> '')::int AS sync_required,
  (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND ${standbyFilter}) AS standbys,
  (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND ${standbyFilter} AND sync_state IN ('sync', 'quorum')) AS sync_standbys,
  coalesce((SELECT max(extract(epoch FROM clock_timestamp() - query_start)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'), 0)::float8 AS commit_wait_seconds,
  CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 'Infinity') END::float8 AS replay_delay_seconds,
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
  current_setting('max_connections')::int AS max_connections,
  (SELECT coalesce(extract(epoch FROM last_archived_time), 0) FROM pg_stat_archiver)::float8 AS last_archived_timestamp_seconds,
  (SELECT coalesce(extract(epoch FROM last_failed_time), 0) FROM pg_stat_archiver)::float8 AS archive_failed_timestamp_seconds`;

const wal = `SELECT
  (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir())::float8 AS bytes,
  (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS ready_segments`;

/** Inventory of the formation, for the coverage ledger: only the node that takes writes speaks. */
const live = (stanza: string) => ({
  databases: `SELECT 'formation' AS place, '${stanza}' AS namespace, 'formation' AS source, datname AS database, 1 AS live_database
FROM pg_database WHERE datallowconn AND NOT datistemplate AND NOT pg_is_in_recovery()`,
  taken: `SELECT 'formation' AS place, 'primary' AS reporter, extract(epoch FROM clock_timestamp())::float8 AS timestamp_seconds
WHERE NOT pg_is_in_recovery()`,
});

const heartbeat =
  "SELECT coalesce(extract(epoch FROM clock_timestamp() - max(at)), 'Infinity')::float8 AS age_seconds FROM restorable.heartbeat";

/**
 * The queries file of postgres_exporter: each series is `restorable_postgres_...`. A query of its own for what may
 * fail alone. A standby's name comes from its address, for Postgres knows only pg_auto_failover's numbers.
 */
export function renderPostgresQueries(nodes: readonly StandbyName[], stanza: string): string {
  const names = nodes.map(({ name, address }) => `('${address}'::inet, '${name}')`).join(", ");
  const replay = `SELECT coalesce(node.name, application_name) AS standby,
  coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, replay_lsn), 'Infinity')::float8 AS lag_bytes
FROM pg_stat_replication LEFT JOIN (VALUES ${names}) AS node (address, name) ON node.address = client_addr
WHERE ${standbyFilter}`;
  const gauge = (description: string) => ({ usage: "GAUGE", description });
  const labels = (...names: string[]) =>
    names.map((name) => ({ [name]: { usage: "LABEL", description: `Label ${name}.` } }));
  const { databases, taken } = live(stanza);
  return stringify(
    {
      restorable_postgres: {
        query: state,
        metrics: Object.entries(help).map(([name, text]) => ({ [name]: gauge(text) })),
      },
      restorable_postgres_wal: {
        query: wal,
        metrics: [
          { bytes: gauge("Bytes in pg_wal.") },
          { ready_segments: gauge("WAL files that wait for archive_command.") },
        ],
      },
      restorable_postgres_heartbeat: {
        query: heartbeat,
        metrics: [{ age_seconds: gauge("Age of the newest heartbeat row on this node.") }],
      },
      restorable_postgres_replay: {
        query: replay,
        metrics: [
          { standby: { usage: "LABEL", description: "Name of the standby." } },
          { lag_bytes: gauge("WAL that the standby has not replayed yet.") },
        ],
      },
      restorable: {
        query: databases,
        metrics: [
          ...labels("place", "namespace", "source", "database"),
          { live_database: gauge("1: this database lives.") },
        ],
      },
      restorable_live: {
        query: taken,
        metrics: [...labels("place", "reporter"), { timestamp_seconds: gauge("When the inventory was taken.") }],
      },
    },
    { lineWidth: 0 },
  );
}
