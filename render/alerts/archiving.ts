import type { StackAlertsArgs } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

const seeArchiving =
  "Look on the primary: `pgbackrest --stanza={{ $labels.stanza }} check` as postgres, " +
  "then the last lines of /var/log/pgbackrest/*archive-push-async.log and of Postgres' log.";

/** Alerts on the way of the WAL into the repositories: what a loss at this moment would cost. */
export function archivingAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { stanza, archiveTimeoutSeconds } = expected;
  const { latest, onPrimary } = series(expected);
  const overdue = archiveTimeoutSeconds + limits.walOverdueSeconds;
  const rpo = archiveTimeoutSeconds + limits.rpoOverdueSeconds;
  const newestWal = `time() - max by (stanza, repo) (${latest("restorable_repository_newest_wal_timestamp_seconds")})`;
  const stalled = (source: string, expr: string, description: string): Alert => ({
    name: "ArchivingStalled",
    expr,
    forSeconds: limits.archivingStalledForSeconds,
    severity: "critical",
    labels: { source },
    summary: "WAL does not reach the repositories: the data at risk grows.",
    description: `${description} ${seeArchiving}`,
  });
  const broken = (source: string, expr: string, description: string): Alert => ({
    name: "RpoBoundBroken",
    expr,
    forSeconds: limits.rpoBoundForSeconds,
    severity: "critical",
    labels: { source, stanza },
    summary: "A loss of the whole formation would cost more data than is promised.",
    description: `${description} ${seeArchiving}`,
  });
  return [
    stalled(
      "repository",
      // With no primary no WAL is made: that is NoPrimary's matter. Not knowing is no reason to be silent.
      `${newestWal} > ${overdue} unless on () (max(${latest("restorable_formation_primaries")}) == 0)`,
      "The newest WAL in repository {{ $labels.repo }} of stanza {{ $labels.stanza }} is " +
        `{{ $value | humanizeDuration }} old (limit ${prometheusDuration(overdue)}).`,
    ),
    stalled(
      "archiver",
      `time() - ${latest("restorable_postgres_last_archived_timestamp_seconds")} > ${overdue} ${onPrimary}`,
      "Postgres on {{ $labels.instance }} archived its last segment {{ $value | humanizeDuration }} ago " +
        `(limit ${prometheusDuration(overdue)}).`,
    ),
    stalled(
      "backlog",
      `${latest("restorable_postgres_wal_ready_segments")} > ${limits.walReadySegments}`,
      `{{ $value }} WAL segments wait on {{ $labels.instance }} for their archiving (limit ${limits.walReadySegments}).`,
    ),
    {
      name: "ArchiverFailing",
      expr:
        `${latest("restorable_postgres_archive_failed_timestamp_seconds")}` +
        ` > ${latest("restorable_postgres_last_archived_timestamp_seconds")} ${onPrimary}`,
      forSeconds: limits.archiverFailingForSeconds,
      severity: "warning",
      summary: "The last attempts to archive WAL failed.",
      description: `On {{ $labels.instance }} no segment was archived since the last failure. ${seeArchiving}`,
    },
    walDropped(latest, limits),
    broken(
      "repository",
      `${newestWal} > ${rpo}`,
      "The newest WAL in repository {{ $labels.repo }} of stanza {{ $labels.stanza }} is " +
        `{{ $value | humanizeDuration }} old (promised: ${prometheusDuration(rpo)}).`,
    ),
    broken(
      "heartbeat",
      `${latest("restorable_postgres_heartbeat_age_seconds")} > ${rpo} ${onPrimary}`,
      "The newest heartbeat row on {{ $labels.instance }} is {{ $value | humanizeDuration }} old " +
        `(limit ${prometheusDuration(rpo)}): the primary takes no writes, or its heartbeat timer does not run.`,
    ),
    ...archiveGap({ stanza, latest, onPrimary }, limits),
    ...expected.dataNodes.map(
      ({ name, volumeBytes }): Alert => ({
        name: "WalDirectoryFilling",
        expr: `${latest("restorable_postgres_wal_bytes", { instance: name })} > ${Math.round(limits.walDirectoryRatio * volumeBytes)}`,
        forSeconds: limits.walDirectoryForSeconds,
        severity: "critical",
        labels: { instance: name },
        summary: "WAL piles up on a data node: a full volume stops Postgres.",
        description:
          "pg_wal on {{ $labels.instance }} holds {{ $value | humanize1024 }}B " +
          `(limit ${limits.walDirectoryRatio * 100} % of its volume). ${seeArchiving}`,
      }),
    ),
  ];
}

type Latest = ReturnType<typeof series>["latest"];

/** A counter that is there for the first time counts from 0: whoever begins to watch wants to know of the past. */
function walDropped(latest: Latest, limits: AlertThresholds): Alert {
  const total = latest("restorable_wal_dropped_total");
  const before = total.replace(/\[\w+\]\)$/, `[1h] offset ${prometheusDuration(limits.walDroppedWindowSeconds)})`);
  return {
    name: "WalDropped",
    expr: `${total} - (${before} or 0 * ${total}) > 0`,
    forSeconds: 0,
    severity: "critical",
    summary: "pgBackRest dropped WAL: there is a hole in point-in-time recovery.",
    description:
      "{{ $value }} segments were dropped on {{ $labels.instance }} within " +
      `${prometheusDuration(limits.walDroppedWindowSeconds)}: no restore passes the hole before the next backup. ` +
      "Take a full backup of every repository on the primary: " +
      "`/usr/local/lib/restorable/node/pgbackrest-backup.sh full` as postgres.",
  };
}

interface Gap {
  stanza: string;
  latest: Latest;
  onPrimary: string;
}

/** The job after a failover looks at the old timeline's last WAL; a failover that it never looked at counts as a gap. */
function archiveGap({ stanza, latest, onPrimary }: Gap, limits: AlertThresholds): Alert[] {
  const checked = latest("restorable_archive_checked_timeline");
  const timeline = `max(${latest("restorable_postgres_timeline")} ${onPrimary})`;
  const gap = (source: string, expr: string, description: string): Alert => ({
    name: "ArchiveGap",
    expr,
    forSeconds: limits.archiveGapForSeconds,
    severity: "critical",
    labels: { source, stanza },
    summary: "After a failover the WAL in the repositories is not known to be without a hole.",
    description,
  });
  return [
    gap(
      "hole",
      // Only the node that looked last: the file of a former primary tells of the past.
      `(${latest("restorable_archive_gap")} == 1) and on (instance) (${checked} == on () group_left () max(${checked}))`,
      "The old timeline lacks its last WAL in a repository of stanza {{ $labels.stanza }}, as {{ $labels.instance }} " +
        "saw it, and no backup closes the hole yet. Look there: `journalctl -u 'restorable-*' -n 100`.",
    ),
    gap(
      "unchecked",
      `${timeline} > 1 unless max(${checked}) >= ${timeline}`,
      `Timeline {{ $value }} of stanza ${stanza} began with a failover whose archive nobody has checked. ` +
        "Look on the primary: `journalctl -u 'restorable-*' -n 100`.",
    ),
  ];
}
