import type { IniEntry, IniSection } from "./ini.js";
import { repositoryUnit } from "./repositoryUnits.js";
import { literal, renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";

export { type PgAutoctlUnitArgs, pgAutoctlUnit } from "./pgAutoctlUnit.js";
export { type UnitFiles, unitsToEnable } from "./systemdUnit.js";

/** Where the scripts of a data node stand. */
export const NODE_SCRIPT_DIRECTORY = "/usr/local/lib/restorable/node";
/** The drill on the drill host. */
export const DRILL_SCRIPT = "/usr/local/bin/dr-drill.sh";

/** When a job runs. */
export interface Schedule {
  /** systemd calendar expression that ends in ` UTC`. */
  readonly onCalendar: string;
  /** Upper bound, in seconds, of the random delay added to each run. */
  readonly randomizedDelaySeconds: number;
}

export interface BackupUnitsArgs extends Schedule {
  /** pgBackRest's number of the repository that is backed up into. */
  readonly repository: number;
  readonly type: "full" | "diff";
  /** Seconds after which a run counts as hung and is ended; 6 hours by default. */
  readonly timeoutSeconds?: number;
}

export interface DrillUnitsArgs extends Schedule {
  /** pgBackRest's number of the repository to drill. */
  readonly repository: number;
  /** Seconds that the drill grants itself; an hour by default. */
  readonly timeLimitSeconds?: number;
}

export interface PitrDrillUnitsArgs extends Schedule {
  /** How many repositories are drilled. */
  readonly repositories: number;
  /** Seconds that the drill grants itself for each; an hour by default. */
  readonly timeLimitSeconds?: number;
}

/** A unit that needs the network up, since it talks to a store or to the monitor. */
export function networkedUnit(description: string, ...more: IniEntry[]): IniSection {
  return {
    name: "Unit",
    entries: [
      ["Description", description],
      ["Wants", "network-online.target"],
      ["After", "network-online.target"],
      ...more,
    ],
  };
}

/**
 * `pgbackrest-<type>.{service,timer}`, from repository 2 on `pgbackrest-<type>-repo<N>`. They stand on every data node:
 * the script's role gate alone decides which one works, so that a failover needs no change of timers.
 *
 * @throws Error when the calendar expression is not in UTC.
 */
export function backupUnits(args: BackupUnitsArgs): UnitFiles {
  const name = repositoryUnit(`pgbackrest-${args.type}`, args.repository);
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit(`pgBackRest ${args.type} backup into repository ${args.repository} (on the primary only)`, [
        "After",
        "pg_autoctl.service",
      ]),
      {
        name: "Service",
        entries: [
          ...postgresOneshot(args.timeoutSeconds ?? 21_600),
          ["Nice", 10],
          ["ExecStart", `${NODE_SCRIPT_DIRECTORY}/pgbackrest-backup.sh ${args.type} --repo ${args.repository}`],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(
      timer(`pgBackRest ${args.type} backup into repository ${args.repository}`, args),
    ),
  };
}

/** `restorable-heartbeat.{service,timer}`: one row a minute on the primary, from which the drill measures RPO. */
export function heartbeatUnits(): UnitFiles {
  const name = "restorable-heartbeat";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      {
        name: "Unit",
        entries: [
          ["Description", "One heartbeat row (on the primary only)"],
          ["After", "pg_autoctl.service"],
        ],
      },
      {
        name: "Service",
        entries: [
          // Shorter than the interval: a hung run must not swallow the next one.
          ...postgresOneshot(50),
          // 1440 starts a day would drown the journal; what the script says, and failures, are still logged.
          ["SyslogLevel", "notice"],
          ["LogLevelMax", "notice"],
          ["ExecStartPre", `-${NODE_SCRIPT_DIRECTORY}/release-shutdown.sh`],
          ["ExecStart", `${NODE_SCRIPT_DIRECTORY}/heartbeat.sh`],
        ],
      },
    ]),
    // Neither persistent nor delayed: a missed minute is gone, and the row's own time is what counts.
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", "One heartbeat row a minute"]] },
      {
        name: "Timer",
        entries: [
          ["OnCalendar", "*-*-* *:*:00 UTC"],
          ["AccuracySec", "1s"],
        ],
      },
      installIn("timers.target"),
    ]),
  };
}

/**
 * `restorable-after-failover.{service,timer}`: each minute; it works on a primary whose timeline is new, and proves that
 * no WAL of the former one is missing in a repository.
 */
export function afterFailoverUnits(metricsDirectory: string): UnitFiles {
  const name = "restorable-after-failover";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit("Archiving without a hole across a failover (on the primary only)", [
        "After",
        "pg_autoctl.service",
      ]),
      {
        name: "Service",
        entries: [
          // As long as a backup may take: it takes one when a hole cannot be closed.
          ...postgresOneshot(21_600),
          ["SyslogLevel", "notice"],
          ["LogLevelMax", "notice"],
          ["Environment", `METRICS_DIRECTORY=${literal(metricsDirectory)}`],
          ["ExecStart", `${NODE_SCRIPT_DIRECTORY}/after-failover.sh`],
        ],
      },
    ]),
    // Not on the minute, when the heartbeat is written.
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", "Looks for a new timeline each minute"]] },
      {
        name: "Timer",
        entries: [
          ["OnCalendar", "*-*-* *:*:30 UTC"],
          ["AccuracySec", "1s"],
        ],
      },
      installIn("timers.target"),
    ]),
  };
}

/**
 * `pgbackrest-drill.{service,timer}` for the drill host, from repository 2 on `pgbackrest-drill-repo<N>`; as root: the
 * drill needs `incus`. Drills that are due at once, after a reboot say, take turns.
 *
 * @throws Error when the calendar expression is not in UTC.
 */
export function drillUnits(args: DrillUnitsArgs): UnitFiles {
  const name = repositoryUnit("pgbackrest-drill", args.repository);
  const teardownSeconds = 300;
  const limit = (args.timeLimitSeconds ?? 3600) + teardownSeconds;
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit(`Restore drill of pgBackRest repository ${args.repository}`, ["After", "incus.service"]),
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "root"],
          ["UMask", "0077"],
          // One other drill may have to end first.
          ["TimeoutStartSec", `${2 * limit}s`],
          ["TimeoutStopSec", `${teardownSeconds}s`],
          ["Environment", `LOCK_WAIT_SECONDS=${limit}`],
          ["Nice", 10],
          ["ExecStart", `${DRILL_SCRIPT} --repo ${args.repository}`],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(timer(`pgBackRest restore drill of repository ${args.repository}`, args)),
  };
}

/**
 * `pgbackrest-drill-pitr.{service,timer}`: every repository to a random moment of its retention window, one after the
 * other, even when an earlier one failed.
 *
 * @throws Error when the calendar expression is not in UTC.
 */
export function pitrDrillUnits(args: PitrDrillUnitsArgs): UnitFiles {
  const name = "pgbackrest-drill-pitr";
  const teardownSeconds = 300;
  const limit = (args.timeLimitSeconds ?? 3600) + teardownSeconds;
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit("Restore drill to a random point in time, of every pgBackRest repository", [
        "After",
        "incus.service",
      ]),
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "root"],
          ["UMask", "0077"],
          // One other drill may have to end first.
          ["TimeoutStartSec", `${(args.repositories + 1) * limit}s`],
          ["TimeoutStopSec", `${teardownSeconds}s`],
          ["Environment", `LOCK_WAIT_SECONDS=${limit}`],
          ["Nice", 10],
          ["ExecStart", `${DRILL_SCRIPT} --target-time random`],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(timer("pgBackRest point-in-time drill", args)),
  };
}

/** A job of the node's own user that ends by itself, at the latest after this time. */
export function postgresOneshot(timeoutSeconds: number): IniEntry[] {
  return [
    ["Type", "oneshot"],
    ["User", "postgres"],
    ["Group", "postgres"],
    ["UMask", "0077"],
    ["NoNewPrivileges", true],
    ["TimeoutStartSec", `${timeoutSeconds}s`],
  ];
}

/** A timer that catches up on a missed run. @throws Error when the calendar expression is not in UTC */
export function timer(description: string, { onCalendar, randomizedDelaySeconds }: Schedule): IniSection[] {
  if (!/ UTC$/.test(onCalendar)) {
    throw new Error(`calendar expression ${JSON.stringify(onCalendar)} must end in " UTC"`);
  }
  return [
    { name: "Unit", entries: [["Description", `${description}, ${onCalendar}`]] },
    {
      name: "Timer",
      entries: [
        ["OnCalendar", onCalendar],
        ["RandomizedDelaySec", `${randomizedDelaySeconds}s`],
        ["Persistent", true],
      ],
    },
    installIn("timers.target"),
  ];
}

function installIn(target: string): IniSection {
  return { name: "Install", entries: [["WantedBy", target]] };
}
