import { type ArchivingBounds, archivingUnits } from "./archivingUnits.js";
import { dataDirectory } from "./layout.js";
import { monitorCopyUnits } from "./monitorCopyUnits.js";
import { pgAutoctlUnit } from "./pgAutoctlUnit.js";
import { type PgbackrestRepository, renderPgbackrestConf } from "./pgbackrestConf.js";
import type { UnitFiles } from "./systemdUnit.js";
import { afterFailoverUnits, backupUnits, heartbeatUnits, NODE_SCRIPT_DIRECTORY } from "./systemdUnits.js";

/** What pgBackRest's configuration says alike on every data node and in the drill. */
export interface BackupFilesArgs {
  readonly stanza: string;
  /** Major version of Postgres. */
  readonly major: number;
  readonly repositories: readonly PgbackrestRepository[];
  /** zstd level. */
  readonly compressLevel: number;
  /** Whether this pgBackRest has block incremental backups (2.46 and newer). */
  readonly blockIncremental: boolean;
  readonly outage: ArchivingBounds;
}

/** systemd calendar expressions of each repository's backups; each run starts up to the delay later. */
export interface BackupTimers {
  readonly repositories: readonly { readonly number: number; readonly full: string; readonly diff: string }[];
  readonly randomizedDelaySeconds: number;
}

/** `/etc/pgbackrest/pgbackrest.conf` of a data node with this many CPUs and this data volume, in MiB. */
export function nodeConf(args: BackupFilesArgs, cpu: number, volumeMiB: number): string {
  return conf(args, cpu, args.repositories, "node", Math.floor(args.outage.walQueueRatio * volumeMiB));
}

/** Configuration of the drill of one repository, in a copy with this many CPUs. */
export function drillConf(args: BackupFilesArgs, cpu: number, repository: PgbackrestRepository): string {
  return conf(args, cpu, [repository], "drill");
}

/** Units of a data node's Postgres. */
export function postgresNodeUnits(major: number): UnitFiles {
  return pgAutoctlUnit({
    major,
    dataDir: dataDirectory(major),
    before: `${NODE_SCRIPT_DIRECTORY}/push-ready.sh`,
  });
}

/** Units of a data node's backups, heartbeat, look after a failover, and copy of the monitor's history. */
export function backupNodeUnits(
  { repositories, randomizedDelaySeconds }: BackupTimers,
  metricsDirectory: string,
  outage: ArchivingBounds,
): UnitFiles {
  return {
    ...Object.assign(
      {},
      ...repositories.flatMap(({ number, full, diff }) => [
        backupUnits({ repository: number, type: "full", onCalendar: full, randomizedDelaySeconds }),
        backupUnits({ repository: number, type: "diff", onCalendar: diff, randomizedDelaySeconds }),
      ]),
    ),
    ...heartbeatUnits(),
    ...monitorCopyUnits(),
    ...afterFailoverUnits(metricsDirectory),
    ...archivingUnits(outage, metricsDirectory),
  };
}

function conf(
  { stanza, major, compressLevel, blockIncremental }: BackupFilesArgs,
  cpu: number,
  repositories: readonly PgbackrestRepository[],
  purpose: "node" | "drill",
  walQueueMiB?: number,
): string {
  return renderPgbackrestConf({
    stanza,
    pgPath: dataDirectory(major),
    processMax: Math.max(1, cpu),
    compressLevel,
    spoolPath: "/var/spool/pgbackrest",
    repositories,
    features: { block: blockIncremental },
    purpose,
    ...(walQueueMiB === undefined ? {} : { walQueueMiB }),
  });
}
