import type { AlertName } from "./alertNames.js";

/** One alert that makes others superfluous: they are its consequences, and repairing it ends them. */
export interface Inhibition {
  /** What is said once, and why the others follow from it. */
  readonly because: string;
  readonly source: AlertName;
  /** Labels that the source must have, by value. */
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly targets: readonly [AlertName, ...AlertName[]];
  /** Labels that the targets must have, by value; an empty value: must not have. */
  readonly targetLabels?: Readonly<Record<string, string>>;
  /** Labels that both must share. One that both lack counts as shared. */
  readonly equal: readonly [string, ...string[]];
}

/**
 * What is not here reaches people on its own. Never silenced: what needs a repair of its own (a volume that fills, WAL
 * dropped, two primaries, commits that hang on a node that runs) and the dead man's switch.
 */
export const inhibitions: readonly Inhibition[] = [
  {
    because: "a store that does not answer takes no backup and can be drilled from by nobody",
    source: "RepositoryUnreachable",
    targets: [
      "FullBackupStale",
      "DiffBackupStale",
      "BackupRestoreDrillUnverified",
      "BackupRestoreDrillStale",
      "ImmutabilityProbeStale",
    ],
    equal: ["stanza", "repo"],
  },
  {
    because: "a store that does not answer takes no WAL either",
    source: "RepositoryUnreachable",
    targets: ["ArchivingStalled", "RpoBoundBroken"],
    equal: ["stanza", "repo"],
  },
  {
    because: "a store that does not answer is left out of archiving",
    source: "RepositoryUnreachable",
    targets: ["RepositorySuspended"],
    equal: ["stanza", "repo"],
  },
  {
    because: "a repository that is left out of archiving gets no WAL",
    source: "RepositorySuspended",
    targets: ["ArchivingStalled", "RpoBoundBroken"],
    equal: ["stanza", "repo"],
  },
  {
    because: "Postgres' own view of archiving does not know one repository from another",
    source: "RepositoryUnreachable",
    targets: ["ArchivingStalled", "ArchiverFailing", "RpoBoundBroken"],
    targetLabels: { repo: "" },
    equal: ["stanza"],
  },
  {
    because: "an archiver that fails is why nothing new arrives",
    source: "ArchiverFailing",
    targets: ["ArchivingStalled", "RpoBoundBroken"],
    equal: ["stanza"],
  },
  {
    because: "a drill that cannot verify for days becomes stale, which pages",
    source: "BackupRestoreDrillStale",
    targets: ["BackupRestoreDrillUnverified"],
    equal: ["stanza", "repo"],
  },
  {
    because: "how long a failed restore took is of no interest",
    source: "BackupRestoreDrillFailed",
    targets: ["DrillRtoExceeded"],
    equal: ["stanza", "repo"],
  },
  {
    because: "without a primary there is nothing to replicate",
    source: "NoPrimary",
    targets: ["FormationDegraded", "SyncReplicationLost", "ReplicationLag"],
    equal: ["stanza"],
  },
  {
    because: "a monitor that does not answer tells nothing of its formation, nor of itself",
    source: "MonitorDown",
    targets: ["FormationDegraded"],
    equal: ["stanza"],
  },
  {
    because: "the monitor is named by its own alert",
    source: "MonitorDown",
    targets: ["ServiceDown", "MetricsStale", "MetricsAbsent", "TextfileScrapeError"],
    targetLabels: { role: "monitor" },
    equal: ["stanza"],
  },
  {
    because: "a node without Postgres is what the formation lacks",
    source: "PostgresDown",
    targets: ["FormationDegraded"],
    equal: ["stanza"],
  },
  {
    because: "without Postgres its exporter has nothing to tell",
    source: "PostgresDown",
    targets: ["MetricsAbsent"],
    targetLabels: { source: "postgres" },
    equal: ["stanza", "instance"],
  },
  {
    because: "a node without Postgres does not replicate",
    source: "PostgresDown",
    targets: ["ReplicationLag"],
    equal: ["stanza", "instance"],
  },
  {
    because: "an exporter without its Postgres has nothing to tell of it",
    source: "PostgresDown",
    targets: ["MetricsAbsent"],
    targetLabels: { source: "postgres" },
    equal: ["stanza", "instance"],
  },
  {
    because: "a data node that does not answer is what the formation lacks",
    source: "ServiceDown",
    sourceLabels: { job: "node", role: "data" },
    targets: ["FormationDegraded"],
    equal: ["stanza"],
  },
  {
    because: "a machine that does not answer answers on no port",
    source: "ServiceDown",
    sourceLabels: { job: "node" },
    targets: ["ServiceDown"],
    targetLabels: { job: "postgres" },
    equal: ["stanza", "instance"],
  },
  {
    because: "a machine that does not answer has no fresh metrics",
    source: "ServiceDown",
    sourceLabels: { job: "node" },
    targets: ["MetricsStale", "MetricsAbsent", "TextfileScrapeError", "TimerInactive", "PostgresDown"],
    equal: ["stanza", "instance"],
  },
  ...(["data", "monitor", "monitoring"] as const).map(
    (role): Inhibition => ({
      because: "with a host go its containers",
      source: "ServiceDown",
      sourceLabels: { job: "node", role: "host" },
      targets: ["ServiceDown", "MetricsStale", "MetricsAbsent", "TextfileScrapeError", "TimerInactive"],
      targetLabels: { role },
      equal: ["stanza", "host"],
    }),
  ),
  {
    because: "files that cannot be read have no fresh metrics",
    source: "TextfileScrapeError",
    targets: ["MetricsStale", "MetricsAbsent"],
    equal: ["stanza", "instance"],
  },
];
