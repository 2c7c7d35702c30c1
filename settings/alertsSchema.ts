import { z } from "zod";
import { absolutePath, integer, positive, text } from "./fields.js";

/** A threshold that is not set keeps the default of the alert rules. */
const seconds = (meaning: string) =>
  z.exactOptional(integer(1, 31536000, "seconds")).describe(`${meaning}, seconds. Default: that of the rules.`);
const value = (max: number, meaning: string) =>
  z.exactOptional(positive(max)).describe(`${meaning}. Default: that of the rules.`);
const whole = (max: number, meaning: string) =>
  z.exactOptional(integer(1, max)).describe(`${meaning}. Default: that of the rules.`);

export const alertsSchema = z.strictObject({
  rulesPath: absolutePath()
    .default("/etc/prometheus/rules/restorable.yml")
    .describe("Rule file: in the monitoring container; without `monitoring` and `prometheus`, on the drill host."),
  runbookUrlPattern: text(
    /^https?:\/\/[^\s"'\\]*\{alert\}[^\s"'\\]*$/,
    "an http or https URL that contains {alert}, which stands for the alert's name in kebab-case",
  )
    .default("https://veza.fr/runbooks/{alert}")
    .describe("Link of each alert to its page; `{alert}` is the alert's name in kebab-case."),
  drillStaleSeconds: integer(3600, 31536000, "seconds")
    .default(691200)
    .describe("Age of the last drill that raises an alert, seconds: a week and a day."),
  timeScale: positive(1)
    .default(1)
    .describe("Multiplies every duration and age bound of the alerts, for the fire drill. Refused in prod unless 1."),
  rateWindowSeconds: seconds("Window of every rate"),
  serviceDownForSeconds: seconds("A service may be down for this long"),
  errorRatio: value(1, "Share of requests answered with 5xx, 0 to 1"),
  errorRatioForSeconds: seconds("The error ratio may be exceeded for this long"),
  latencyP99Seconds: value(3600, "99th percentile of the latency, seconds"),
  latencyP99ForSeconds: seconds("The latency may be exceeded for this long"),
  redisUnreachableForSeconds: seconds("Redis may be unreachable for this long"),
  drillFailedForSeconds: seconds("A failed drill is reported after"),
  drillStaleForSeconds: seconds("A stale drill is reported after"),
  drillAbsentForSeconds: seconds("Missing drill metrics are reported after"),
  drillUnverifiedForSeconds: seconds("A drill that could not verify is reported after"),
  walOverdueSeconds: seconds("Age of the newest archived WAL beyond archive_timeout that counts as stalled"),
  walReadySegments: whole(1000000, "WAL segments that may wait for their archiving"),
  archivingStalledForSeconds: seconds("Stalled archiving is reported after"),
  archiverFailingForSeconds: seconds("Failing attempts to archive are reported after"),
  walDroppedWindowSeconds: seconds("Dropped WAL is reported for this long"),
  rpoOverdueSeconds: seconds("Age of the newest WAL or heartbeat beyond archive_timeout that breaks the RPO"),
  rpoBoundForSeconds: seconds("A broken RPO is reported after"),
  archiveGapForSeconds: seconds("A hole in the WAL after a failover is reported after"),
  walDirectoryRatio: value(1, "Share of the data volume that pg_wal may take, 0 to 1"),
  walDirectoryForSeconds: seconds("Too much WAL is reported after"),
  fullBackupStaleSeconds: seconds("Age of the newest full backup that raises an alert"),
  diffBackupStaleSeconds: seconds("Age of the newest backup, full or differential, that raises an alert"),
  backupStaleForSeconds: seconds("A stale backup is reported after"),
  repositorySuspendedForSeconds: seconds("A repository that is left out of archiving is reported after"),
  repositoryHoleForSeconds: seconds("A hole in a repository that gets WAL again is reported after"),
  repositoryUnreachableForSeconds: seconds("A repository that does not answer is reported after"),
  immutabilityFailedForSeconds: seconds("A probe that could destroy off-site backups is reported after"),
  immutabilityStaleSeconds: seconds(
    "Age of the last verdict on whether off-site backups can be destroyed that raises an alert",
  ),
  immutabilityStaleForSeconds: seconds("A missing verdict of that kind is reported after"),
  drillRtoForSeconds: seconds("A restore beyond `drill.rtoBoundSeconds` is reported after"),
  clusterDumpFailedForSeconds: seconds("A failed dump in the cluster is reported after"),
  clusterDumpHangingSeconds: seconds("Time after which a dump in the cluster that did not end counts as failed"),
  clusterDumpStaleSeconds: seconds("Age of a database's newest dump in the cluster that raises an alert"),
  clusterDumpStaleForSeconds: seconds("A stale dump in the cluster is reported after"),
  clusterDumpSizeRatio: value(1, "Share of the week's median below which such a dump is suspiciously small, 0 to 1"),
  clusterDumpSmallForSeconds: seconds("A suspiciously small dump in the cluster is reported after"),
  clusterVerifyFailedForSeconds: seconds("A failed verification of an off-cluster backup is reported after"),
  clusterVerifyStaleSeconds: seconds("Age of the last verification that passed that raises an alert"),
  clusterVerifyStaleForSeconds: seconds("A stale verification is reported after"),
  exportFailedForSeconds: seconds("A failed logical export is reported after"),
  exportStaleSeconds: seconds("Age of the newest logical export of a database that raises an alert"),
  exportStaleForSeconds: seconds("A stale logical export is reported after"),
  exportSizeRatio: value(1, "Share of the week's median below which an export is suspiciously small, 0 to 1"),
  exportSmallForSeconds: seconds("A suspiciously small export is reported after"),
  dumpFailedForSeconds: seconds("A failed dump of a host is reported after"),
  dumpStaleSeconds: seconds("Age of the newest dump of a host that raises an alert"),
  dumpStaleForSeconds: seconds("A stale dump of a host is reported after"),
  dumpMissingForSeconds: seconds("A dump of a host that nobody has reported yet is reported as stale after"),
  dumpSizeRatio: value(1, "Share of the week's median below which a dump is suspiciously small, 0 to 1"),
  dumpSmallForSeconds: seconds("A suspiciously small dump is reported after"),
  escrowMissingForSeconds: seconds("A missing escrow is reported after"),
  escrowStaleSeconds: seconds("Age of the last escrow that raises an alert"),
  escrowStaleForSeconds: seconds("A stale escrow is reported after"),
  coverageMissingForSeconds: seconds("Something that lives without a backup is reported after"),
  coverageUndrilledForSeconds: seconds("Something whose backup no drill has restored is reported after"),
  coverageStaleSeconds: seconds("Age of the last whole coverage ledger that raises an alert"),
  coverageStaleForSeconds: seconds("A stale coverage ledger is reported after"),
  formationDegradedForSeconds: seconds("A missing standby is reported after"),
  noPrimaryForSeconds: seconds("A missing primary is reported after"),
  multiplePrimariesForSeconds: seconds("More than one primary is reported after"),
  formationAgeSeconds: seconds("Age of the monitor's word on the formation that counts as silence"),
  monitorDownForSeconds: seconds("A silent monitor is reported after"),
  failoverNoticeSeconds: seconds("A failover is reported for this long"),
  postgresDownForSeconds: seconds("Postgres that does not answer is reported after"),
  replicationLagBytes: whole(1099511627776, "WAL that a standby may have yet to replay, bytes"),
  replicationDelaySeconds: seconds("A standby's data may be behind by this"),
  replicationLagForSeconds: seconds("A lagging standby is reported after"),
  syncReplicationLostForSeconds: seconds("Lost synchronous replication is reported after"),
  commitWaitSeconds: seconds("A commit may wait for its standby for this long"),
  commitsHangingForSeconds: seconds("Hanging commits are reported after"),
  dataVolumeRatio: value(1, "Share of a data volume in use that raises a warning, 0 to 1"),
  dataVolumeFullRatio: value(1, "Share of a data volume in use that is critical, 0 to 1"),
  dataVolumeForSeconds: seconds("A data volume that fills is reported after"),
  certificateExpirySeconds: seconds("Time left to a certificate that raises a warning"),
  certificateLastCallSeconds: seconds("Time left to a certificate that is critical"),
  certificateForSeconds: seconds("A certificate near its end is reported after"),
  timerInactiveForSeconds: seconds("A timer that does not run is reported after"),
  textfileErrorForSeconds: seconds("A metrics file that cannot be read is reported after"),
  metricsAgeSeconds: seconds("Age of metrics written each minute that counts as frozen"),
  metricsStaleForSeconds: seconds("Frozen metrics are reported after"),
  metricsAbsentForSeconds: seconds("Missing metrics are reported after"),
});
