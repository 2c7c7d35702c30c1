import type { IniEntry } from "./ini.js";
import { literal, renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";

const scripts = "/usr/local/lib/restorable/node";

/** Bounds of the job that takes a repository out of archiving, in seconds unless said otherwise. */
export interface ArchivingBounds {
  /** Time between two looks. */
  readonly lookSeconds: number;
  /** Age of the oldest WAL that waits, from which repositories are asked one by one. */
  readonly suspendAfterSeconds: number;
  /** How long a repository has to take WAL before it is put back. */
  readonly resumeAfterSeconds: number;
  /** pgBackRest's io-timeout when a repository is asked; all in all three times that. */
  readonly probeSeconds: number;
  /** Segments: a larger hole is closed by a backup. */
  readonly fillSegments: number;
  /** Share of the data volume, 0 to 1, that waiting WAL may take. */
  readonly walQueueRatio: number;
}

/**
 * `restorable-archiving.{service,timer}`, which takes a dead repository out of archiving and puts it back, and
 * `restorable-archiving-close.{service,timer}`, which closes the hole in it. On every data node; the one that takes
 * writes works.
 */
export function archivingUnits(bounds: ArchivingBounds, metricsDirectory: string): UnitFiles {
  return {
    ...job({
      name: "restorable-archiving",
      description: "Repositories that do not take WAL are left out of archiving",
      script: "archiving-watch.sh",
      // All repositories are asked at once, and each may take three times the bound.
      timeoutSeconds: 60 + 3 * bounds.probeSeconds,
      everySeconds: bounds.lookSeconds,
      metricsDirectory,
    }),
    ...job({
      name: "restorable-archiving-close",
      description: "Closes the hole in a repository that was left out of archiving",
      script: "archiving-close.sh",
      // As long as a backup may take.
      timeoutSeconds: 21_600,
      everySeconds: bounds.lookSeconds,
      metricsDirectory,
    }),
  };
}

interface Job {
  name: string;
  description: string;
  script: string;
  timeoutSeconds: number;
  everySeconds: number;
  metricsDirectory: string;
}

function job({ name, description, script, timeoutSeconds, everySeconds, metricsDirectory }: Job): UnitFiles {
  const service: IniEntry[] = [
    ["Type", "oneshot"],
    ["User", "postgres"],
    ["Group", "postgres"],
    ["UMask", "0077"],
    ["NoNewPrivileges", true],
    ["TimeoutStartSec", `${timeoutSeconds}s`],
    // Each start in the journal would drown it; what the script says, and failures, are still logged.
    ["SyslogLevel", "notice"],
    ["LogLevelMax", "notice"],
    ["Environment", `METRICS_DIRECTORY=${literal(metricsDirectory)}`],
    ["ExecStart", `${scripts}/${script}`],
  ];
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      {
        name: "Unit",
        entries: [
          ["Description", description],
          ["After", "pg_autoctl.service"],
        ],
      },
      { name: "Service", entries: service },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", description]] },
      {
        name: "Timer",
        entries: [
          // From the timer's own start, for a service that did not run yet has no end to count from.
          ["OnActiveSec", `${everySeconds}s`],
          ["OnUnitInactiveSec", `${everySeconds}s`],
          ["AccuracySec", "1s"],
        ],
      },
      { name: "Install", entries: [["WantedBy", "timers.target"]] },
    ]),
  };
}
