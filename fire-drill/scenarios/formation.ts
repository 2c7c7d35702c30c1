import { limits, minutely, quarterly, scraped } from "../scale.js";
import type { Scenario, Step } from "../scenario.js";
import { cut, mend, settled } from "../shell.js";

const stop = (place: Step["in"]): Step => ({ in: place, run: "systemctl stop pg_autoctl.service" });
const start = (place: Step["in"]): Step => ({ in: place, run: "systemctl start pg_autoctl.service" });
const { short } = limits;

/** Rejoining takes a node some reports to the monitor, which are read every 15 seconds. */
const rejoinSeconds = 120;

/** A copy of the standby's data that runs as a primary of its own; the standby's data stays as it is. */
const impostor = `systemctl stop pg_autoctl.service
. /etc/restorable/backup.env
copy=/var/lib/postgresql/fire-drill
rm -rf "$copy"
cp -a --reflink=auto "$PGDATA" "$copy"
rm -f "$copy/standby.signal" "$copy/recovery.signal" "$copy/postmaster.pid"
systemctl reset-failed restorable-fire-drill-primary.service 2>/dev/null || true
systemd-run -q --unit=restorable-fire-drill-primary --uid=postgres --gid=postgres --working-directory=/ \\
  "/usr/lib/postgresql/$PG_MAJOR/bin/postgres" -D "$copy" -c listen_addresses= -c archive_mode=off \\
  -c synchronous_standby_names= -c ssl=off -c logging_collector=off -c cluster_name=fire-drill`;

const noImpostor = `systemctl stop restorable-fire-drill-primary.service 2>/dev/null || true
systemctl reset-failed restorable-fire-drill-primary.service 2>/dev/null || true
rm -rf /var/lib/postgresql/fire-drill
systemctl start pg_autoctl.service`;

/** The formation and its monitor. Each begins when the one before has left it well. */
export const formation: readonly Scenario[] = listed().map((scenario) => ({
  ...scenario,
  prepare: [{ in: "monitor", run: settled }],
}));

function listed(): Scenario[] {
  return [
    {
      id: "monitor-stopped",
      phase: "short",
      what: "the monitor is stopped",
      disturbs: ["formation"],
      break: [stop("monitor")],
      repair: [start("monitor")],
      expect: [{ alert: "MonitorDown", hearer: "pager", detectSeconds: short.formationAgeSeconds + quarterly }],
      silenceSeconds: rejoinSeconds,
    },
    {
      id: "standby-unseen",
      phase: "short",
      what: "the monitor and the standby no longer reach each other",
      disturbs: ["formation"],
      break: [{ in: "standby", run: cut("{monitorAddress}") }],
      repair: [{ in: "standby", run: mend("{monitorAddress}") }],
      expect: [
        { alert: "FormationDegraded", hearer: "pager", detectSeconds: 10 + quarterly },
        {
          alert: "SyncReplicationLost",
          labels: { instance: "{primary}" },
          hearer: "pager",
          detectSeconds: 15 + scraped,
        },
      ],
      silenceSeconds: rejoinSeconds,
    },
    {
      id: "replication-cut",
      phase: "short",
      what: "primary and standby no longer reach each other, the monitor sees both; a commit waits",
      disturbs: ["formation"],
      break: [
        { in: "standby", run: cut("{primaryAddress}") },
        {
          in: "primary",
          run: `systemctl reset-failed restorable-fire-drill-commit.service 2>/dev/null || true
systemd-run -q --unit=restorable-fire-drill-commit --uid=postgres psql -X -q -d postgres -c "SELECT pg_logical_emit_message(true, 'fire-drill', 'x')"`,
        },
      ],
      repair: [{ in: "standby", run: mend("{primaryAddress}") }],
      expect: [
        {
          alert: "CommitsHanging",
          labels: { instance: "{primary}" },
          hearer: "pager",
          detectSeconds: short.commitWaitSeconds + scraped,
        },
      ],
      silenceSeconds: rejoinSeconds,
    },
    {
      id: "standby-stopped",
      phase: "short",
      what: "Postgres of the standby is stopped",
      disturbs: ["formation"],
      break: [stop("standby")],
      repair: [start("standby")],
      expect: [
        { alert: "PostgresDown", labels: { instance: "{standby}" }, hearer: "pager", detectSeconds: 5 + scraped },
      ],
      silenceSeconds: rejoinSeconds,
    },
    {
      id: "replay-paused",
      phase: "short",
      what: "the standby's replay is paused",
      disturbs: ["formation"],
      break: [
        { in: "standby", run: "sql -d postgres -c 'SELECT pg_wal_replay_pause()'" },
        {
          in: "primary",
          run: `sql -d postgres -c "SELECT pg_logical_emit_message(true, 'fire-drill', 'x')" >/dev/null`,
        },
      ],
      repair: [
        {
          in: "standby",
          run: "[ \"$(sql -d postgres -c 'SELECT pg_is_in_recovery()')\" != t ] || sql -d postgres -c 'SELECT pg_wal_replay_resume()'",
        },
      ],
      expect: [
        {
          alert: "ReplicationLag",
          labels: { source: "delay", instance: "{standby}" },
          hearer: "ticket",
          detectSeconds: short.replicationDelaySeconds + scraped,
        },
      ],
      silenceSeconds: 60,
    },
    {
      id: "nodes-stopped",
      phase: "short",
      what: "Postgres of both data nodes is stopped",
      disturbs: ["formation", "archiving"],
      break: [stop("standby"), stop("primary")],
      repair: [start("primary"), start("standby")],
      expect: [{ alert: "NoPrimary", hearer: "pager", detectSeconds: 15 + scraped }],
      silenceSeconds: 2 * rejoinSeconds,
    },
    {
      id: "second-primary",
      phase: "short",
      what: "a copy of the standby's data runs as a primary of its own",
      disturbs: ["formation", "volume"],
      break: [{ in: "standby", run: impostor }],
      repair: [{ in: "standby", run: noImpostor }],
      expect: [{ alert: "MultiplePrimaries", hearer: "pager", detectSeconds: 45 + scraped }],
      silenceSeconds: rejoinSeconds,
    },
    {
      id: "switchover",
      phase: "short",
      what: "the standby is made the primary, while the job that checks the archive after it is stopped",
      disturbs: ["formation", "archiving"],
      break: [
        { in: "primary", run: "systemctl stop restorable-after-failover.timer" },
        { in: "standby", run: "systemctl stop restorable-after-failover.timer" },
        {
          in: "monitor",
          run: "runuser -u postgres -- pg_autoctl perform switchover --pgdata /var/lib/postgresql/*/pgaf/monitor >/dev/null",
        },
      ],
      repair: [
        { in: "primary", run: "systemctl start restorable-after-failover.timer" },
        { in: "standby", run: "systemctl start restorable-after-failover.timer" },
      ],
      expect: [
        { alert: "FailoverHappened", hearer: "ticket", detectSeconds: 30 + quarterly },
        { alert: "ArchiveGap", labels: { source: "unchecked" }, hearer: "pager", detectSeconds: 30 + scraped },
      ],
      silenceSeconds: short.failoverNoticeSeconds + 2 * minutely,
    },
  ];
}
