import { literal, renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";

export interface PgAutoctlUnitArgs {
  /** Postgres major version; its programs come first in the service's PATH. */
  readonly major: number;
  /** Data directory of the data node or of the monitor. */
  readonly dataDir: string;
  /** Program run before each start; that it fails, or is not there yet, changes nothing. */
  readonly before?: string;
}

/**
 * `pg_autoctl.service`, for a data node and for the monitor alike.
 *
 * Only pg_autoctl gets the stop signal (`KillMode=mixed`): it then stops Postgres with a fast shutdown. The same
 * signal to every process of the group would make Postgres wait for its clients to leave.
 */
export function pgAutoctlUnit({ major, dataDir, before }: PgAutoctlUnitArgs): UnitFiles {
  const programs = `/usr/lib/postgresql/${major}/bin`;
  const pgdata = literal(dataDir);
  return {
    [unitPath("pg_autoctl.service")]: renderUnit([
      {
        name: "Unit",
        entries: [
          ["Description", `pg_auto_failover: keeps Postgres ${major} in its role`],
          ["Wants", "network-online.target"],
          ["After", "network-online.target"],
          // A node that gives up restarting would stay out of the formation until somebody notices.
          ["StartLimitIntervalSec", 0],
        ],
      },
      {
        name: "Service",
        entries: [
          ["Type", "simple"],
          ["User", "postgres"],
          ["Group", "postgres"],
          ["WorkingDirectory", "/var/lib/postgresql"],
          ["Environment", `PGDATA=${pgdata}`],
          ["Environment", `PATH=${programs}:/usr/local/bin:/usr/bin:/bin`],
          ["ExecStartPre", `-${dropStalePid(programs)}`],
          ...(before === undefined ? [] : [["ExecStartPre", `-${before}`] as const]),
          ["ExecStart", `/usr/bin/pg_autoctl run --pgdata ${pgdata}`],
          ["ExecReload", `/usr/bin/pg_autoctl reload --pgdata ${pgdata}`],
          ["KillMode", "mixed"],
          ["TimeoutStopSec", "120s"],
          ["Restart", "on-failure"],
          ["RestartSec", "1s"],
          ["LimitNOFILE", 65_536],
        ],
      },
      { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
    ]),
  };
}

/**
 * Removes the lock file of a Postgres that is gone. A container that died leaves it on the data volume, and its number
 * may be anything in the next one, pg_autoctl itself for example: pg_ctl would then take that process for Postgres.
 */
function dropStalePid(programs: string): string {
  const file = '"$$PGDATA/postmaster.pid"';
  const script = `pid=$$(head -n 1 ${file} 2>/dev/null) && [ "$$(readlink /proc/$$pid/exe)" != ${programs}/postgres ] && rm -f ${file}`;
  return `/bin/sh -c '${script}'`;
}
