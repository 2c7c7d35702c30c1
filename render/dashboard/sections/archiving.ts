import type { Section } from "../panel.js";
import { perNode, perRepository } from "./legends.js";

export function archiving(): Section {
  return {
    title: "Archiving",
    panels: [
      {
        title: "Age of the newest WAL, per repository",
        description: "Stays below archive_timeout and the push while anything is written.",
        kind: "timeseries",
        unit: "s",
        queries: [
          {
            expr: "time() - (max by (stanza, repo) (restorable_repository_newest_wal_timestamp_seconds) > 0)",
            legend: perRepository,
          },
        ],
      },
      {
        title: "Segments that wait",
        description: "WAL segments marked ready that are not archived yet. A growing number is a stalled archive.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "restorable_postgres_wal_ready_segments", legend: perNode }],
      },
      {
        title: "Archived segments",
        description: "Segments per minute that the archiver has pushed.",
        kind: "timeseries",
        unit: "short",
        queries: [{ expr: "60 * rate(pg_stat_archiver_archived_count[5m])", legend: perNode }],
      },
      {
        title: "Failures of archive_command",
        description: "By pg_stat_archiver, since its last reset.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "pg_stat_archiver_failed_count", legend: perNode }],
      },
      {
        title: "pg_wal",
        description: "Size of pg_wal. It grows while a repository does not take WAL, and ends at the volume's limit.",
        kind: "timeseries",
        unit: "bytes",
        queries: [{ expr: "restorable_postgres_wal_bytes", legend: perNode }],
      },
      {
        title: "Dropped WAL",
        description: "Segments that archive-push-queue-max threw away: each one is a hole until the next backup.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "restorable_wal_dropped_total", legend: perNode }],
      },
    ],
  };
}
