/**
 * Thresholds of all alerts, in the unit each name ends in. `...ForSeconds`: how long the condition must hold.
 * What is written into a textfile once a minute needs three minutes or more; what is scraped, two scrapes or more.
 */
export interface AlertThresholds {
  /** Window of every `rate()`. */
  readonly rateWindowSeconds: number;
  readonly serviceDownForSeconds: number;
  /** Share of requests answered with 5xx, 0 to 1. */
  readonly errorRatio: number;
  readonly errorRatioForSeconds: number;
  readonly latencyP99Seconds: number;
  readonly latencyP99ForSeconds: number;
  readonly redisUnreachableForSeconds: number;
  readonly drillFailedForSeconds: number;
  readonly drillStaleForSeconds: number;
  readonly drillAbsentForSeconds: number;
  readonly drillUnverifiedForSeconds: number;

  /** Age of the newest archived WAL beyond Postgres' archive_timeout, from which archiving counts as stalled. */
  readonly walOverdueSeconds: number;
  /** WAL segments that may wait for their archiving. */
  readonly walReadySegments: number;
  readonly archivingStalledForSeconds: number;
  readonly archiverFailingForSeconds: number;
  /** How long a dropped WAL segment is reported: longer than from one backup to the next, which closes the hole. */
  readonly walDroppedWindowSeconds: number;
  /** Age of the newest WAL in a repository, or of the newest heartbeat, beyond archive_timeout: the RPO is broken. */
  readonly rpoOverdueSeconds: number;
  readonly rpoBoundForSeconds: number;
  readonly archiveGapForSeconds: number;
  /** Share of the data volume that pg_wal may take, 0 to 1. */
  readonly walDirectoryRatio: number;
  readonly walDirectoryForSeconds: number;

  /** Age of the newest full backup: one interval of its timer and a day. */
  readonly fullBackupStaleSeconds: number;
  /** Age of the newest backup, full or differential: one interval of their timers and some hours. */
  readonly diffBackupStaleSeconds: number;
  readonly backupStaleForSeconds: number;
  readonly repositoryUnreachableForSeconds: number;
  /** A repository that is left out of archiving; so long may an outage be that mends itself. */
  readonly repositorySuspendedForSeconds: number;
  /** A hole in a repository that gets WAL again: longer than filling it takes, and than most backups. */
  readonly repositoryHoleForSeconds: number;
  readonly drillRtoForSeconds: number;

  readonly immutabilityFailedForSeconds: number;
  /** Age of the last verdict on whether the off-site backups can be destroyed: a week and a day. */
  readonly immutabilityStaleSeconds: number;
  readonly immutabilityStaleForSeconds: number;
  readonly clusterDumpFailedForSeconds: number;
  /** A dump that began and never ended, so much later: longer than its deadline. */
  readonly clusterDumpHangingSeconds: number;
  /** Age of the newest dump of a database in a cluster: one interval of its schedule and some hours. */
  readonly clusterDumpStaleSeconds: number;
  readonly clusterDumpStaleForSeconds: number;
  /** Share of the week's median below which such a dump is suspiciously small, 0 to 1. */
  readonly clusterDumpSizeRatio: number;
  readonly clusterDumpSmallForSeconds: number;
  readonly clusterVerifyFailedForSeconds: number;
  /** Age of the last verification that passed: one interval of its schedule and some hours. */
  readonly clusterVerifyStaleSeconds: number;
  readonly clusterVerifyStaleForSeconds: number;
  readonly exportFailedForSeconds: number;
  /** Age of a database's newest logical export: one interval of the timer and some hours. */
  readonly exportStaleSeconds: number;
  readonly exportStaleForSeconds: number;
  /** Share of the week's median below which an export is suspiciously small, 0 to 1. */
  readonly exportSizeRatio: number;
  readonly exportSmallForSeconds: number;
  readonly dumpFailedForSeconds: number;
  /** Age of a host's newest dump: one day and some hours. */
  readonly dumpStaleSeconds: number;
  readonly dumpStaleForSeconds: number;
  /** Longer than it takes to come from the first update to the first dump. */
  readonly dumpMissingForSeconds: number;
  /** Share of the week's median below which a dump is suspiciously small, 0 to 1. */
  readonly dumpSizeRatio: number;
  readonly dumpSmallForSeconds: number;
  /** Longer than it takes to come from the first update to the first escrow. */
  readonly escrowMissingForSeconds: number;
  /** Age of the last escrow. */
  readonly escrowStaleSeconds: number;
  readonly escrowStaleForSeconds: number;
  /** Longer than from one daily backup to the next: what is new has none before. */
  readonly coverageMissingForSeconds: number;
  /** Longer than from one weekly drill to the next. */
  readonly coverageUndrilledForSeconds: number;
  /** Age of the last ledger that had every inventory: some of its runs. */
  readonly coverageStaleSeconds: number;
  readonly coverageStaleForSeconds: number;

  readonly formationDegradedForSeconds: number;
  /** Longer than a failover takes. */
  readonly noPrimaryForSeconds: number;
  /** Longer than an isolated primary takes to stop itself, and a few scrapes. */
  readonly multiplePrimariesForSeconds: number;
  /** Age of the monitor's own word on the formation. */
  readonly formationAgeSeconds: number;
  readonly monitorDownForSeconds: number;
  /** How long a failover is reported. */
  readonly failoverNoticeSeconds: number;

  readonly postgresDownForSeconds: number;
  /** WAL that a standby has yet to replay. */
  readonly replicationLagBytes: number;
  /** How far a standby's data is behind. */
  readonly replicationDelaySeconds: number;
  readonly replicationLagForSeconds: number;
  readonly syncReplicationLostForSeconds: number;
  /** Age of the oldest commit that waits for a standby. */
  readonly commitWaitSeconds: number;
  readonly commitsHangingForSeconds: number;

  /** Share of a data volume that may be used, 0 to 1: a warning, and the last one. */
  readonly dataVolumeRatio: number;
  readonly dataVolumeFullRatio: number;
  readonly dataVolumeForSeconds: number;
  /** Time left to a certificate: a warning, and the last one. */
  readonly certificateExpirySeconds: number;
  readonly certificateLastCallSeconds: number;
  readonly certificateForSeconds: number;
  readonly timerInactiveForSeconds: number;
  readonly textfileErrorForSeconds: number;
  /** Age of a metrics file that is written each minute, and of the last look into a repository that was answered. */
  readonly metricsAgeSeconds: number;
  readonly metricsStaleForSeconds: number;
  readonly metricsAbsentForSeconds: number;
}

/** The only place where the defaults stand; the stack's settings override single values. */
export const defaultThresholds: AlertThresholds = {
  rateWindowSeconds: 300,
  serviceDownForSeconds: 30,
  errorRatio: 0.05,
  errorRatioForSeconds: 300,
  latencyP99Seconds: 2,
  latencyP99ForSeconds: 300,
  redisUnreachableForSeconds: 30,
  drillFailedForSeconds: 300,
  drillStaleForSeconds: 3600,
  // Longer than a reboot of the drill host, short enough that a vanished "failed" series is noticed the same hour.
  drillAbsentForSeconds: 900,
  drillUnverifiedForSeconds: 300,

  // A healthy repository shows up to 2 min beyond archive_timeout: a minute to the next heartbeat, one to the next look.
  walOverdueSeconds: 240,
  walReadySegments: 32,
  archivingStalledForSeconds: 120,
  archiverFailingForSeconds: 180,
  walDroppedWindowSeconds: 86400,
  rpoOverdueSeconds: 540,
  rpoBoundForSeconds: 60,
  archiveGapForSeconds: 600,
  walDirectoryRatio: 0.4,
  walDirectoryForSeconds: 120,

  fullBackupStaleSeconds: 691200,
  diffBackupStaleSeconds: 108000,
  backupStaleForSeconds: 3600,
  repositoryUnreachableForSeconds: 300,
  // Longer than a store takes to be reported as unreachable, which then says it all.
  repositorySuspendedForSeconds: 600,
  repositoryHoleForSeconds: 900,
  drillRtoForSeconds: 300,

  immutabilityFailedForSeconds: 300,
  immutabilityStaleSeconds: 691200,
  immutabilityStaleForSeconds: 3600,
  clusterDumpFailedForSeconds: 300,
  clusterDumpHangingSeconds: 25200,
  clusterDumpStaleSeconds: 108000,
  clusterDumpStaleForSeconds: 3600,
  clusterDumpSizeRatio: 0.5,
  clusterDumpSmallForSeconds: 300,
  clusterVerifyFailedForSeconds: 300,
  clusterVerifyStaleSeconds: 108000,
  clusterVerifyStaleForSeconds: 3600,
  exportFailedForSeconds: 300,
  exportStaleSeconds: 108000,
  exportStaleForSeconds: 3600,
  exportSizeRatio: 0.5,
  exportSmallForSeconds: 300,
  dumpFailedForSeconds: 300,
  dumpStaleSeconds: 108000,
  dumpStaleForSeconds: 3600,
  dumpMissingForSeconds: 108000,
  dumpSizeRatio: 0.5,
  dumpSmallForSeconds: 300,
  escrowMissingForSeconds: 86400,
  escrowStaleSeconds: 8640000,
  escrowStaleForSeconds: 3600,
  coverageMissingForSeconds: 93600,
  coverageUndrilledForSeconds: 777600,
  coverageStaleSeconds: 14400,
  // A new stack has its first whole ledger with the second run.
  coverageStaleForSeconds: 7200,

  formationDegradedForSeconds: 120,
  noPrimaryForSeconds: 60,
  multiplePrimariesForSeconds: 120,
  formationAgeSeconds: 90,
  monitorDownForSeconds: 60,
  failoverNoticeSeconds: 900,

  postgresDownForSeconds: 60,
  replicationLagBytes: 268435456,
  replicationDelaySeconds: 60,
  replicationLagForSeconds: 300,
  syncReplicationLostForSeconds: 120,
  commitWaitSeconds: 15,
  commitsHangingForSeconds: 30,

  dataVolumeRatio: 0.85,
  dataVolumeFullRatio: 0.95,
  dataVolumeForSeconds: 300,
  certificateExpirySeconds: 2592000,
  certificateLastCallSeconds: 604800,
  certificateForSeconds: 3600,
  timerInactiveForSeconds: 600,
  textfileErrorForSeconds: 300,
  metricsAgeSeconds: 420,
  metricsStaleForSeconds: 180,
  metricsAbsentForSeconds: 300,
};

/** Seconds that no `timeScale` touches: they say what is measured, not how long somebody may wait. */
const fixed: readonly (keyof AlertThresholds)[] = [
  "rateWindowSeconds",
  "latencyP99Seconds",
  "certificateExpirySeconds",
  "certificateLastCallSeconds",
];

/** Below these ages a healthy stack would raise alerts: what is looked at is itself written only so often. */
const floors: Partial<AlertThresholds> = {
  walOverdueSeconds: 150,
  rpoOverdueSeconds: 150,
  formationAgeSeconds: 45,
  metricsAgeSeconds: 130,
  // An escrow is made by a person, not by the minute.
  escrowStaleSeconds: 604800,
  fullBackupStaleSeconds: 150,
  diffBackupStaleSeconds: 150,
  immutabilityStaleSeconds: 3600,
  exportStaleSeconds: 150,
  dumpStaleSeconds: 150,
  // What runs in a cluster keeps its own time.
  clusterDumpHangingSeconds: 25200,
  clusterDumpStaleSeconds: 108000,
  clusterVerifyStaleSeconds: 108000,
  // The ledger is made with the hour.
  coverageStaleSeconds: 7500,
  walDroppedWindowSeconds: 60,
  failoverNoticeSeconds: 45,
  replicationDelaySeconds: 5,
  commitWaitSeconds: 5,
};

/** Names of the thresholds that a `timeScale` multiplies. */
export function isScaled(name: string): boolean {
  return name.endsWith("Seconds") && !(fixed as readonly string[]).includes(name);
}

/** Whole seconds after multiplication, at least one. */
export function scaleSeconds(seconds: number, timeScale: number): number {
  return timeScale === 1 ? seconds : Math.max(1, Math.round(seconds * timeScale));
}

/** Every `for` and every age bound multiplied; ages stay above what a healthy stack shows. For the fire drill. */
export function scaleThresholds(limits: AlertThresholds, timeScale: number): AlertThresholds {
  if (timeScale === 1) return limits;
  const scaled = Object.entries(limits).map(([name, value]) => {
    if (!isScaled(name)) return [name, value];
    const floor = Math.min(value, floors[name as keyof AlertThresholds] ?? 1);
    return [name, Math.max(floor, scaleSeconds(value, timeScale))];
  });
  return Object.fromEntries(scaled) as AlertThresholds;
}
