import { repositoryUnit } from "../repositoryUnits.js";
import type { Expected, StackAlertsArgs } from "./expected.js";
import { selector, series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** Alerts on the metrics themselves. What is frozen or missing fires no other alert, so it pages. */
export function reportingAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { latest, bridge } = series(expected);
  const age = prometheusDuration(limits.metricsAgeSeconds);
  const files = selector({
    "file=~": "(.*/)?restorable_[^/]*[.]prom",
    // Written by events, not by the minute.
    "file!~":
      "(.*/)?(restorable_archive[^/]*|restorable_exports|restorable_escrow|restorable_coverage[^/]*|[^/]*_(backup|export)_drill_[^/]*|[^/]*_dump_[^/]*)[.]prom",
  });
  const stale = (source: string, expr: string, description: string): Alert => ({
    name: "MetricsStale",
    expr,
    forSeconds: limits.metricsStaleForSeconds,
    severity: "warning",
    page: true,
    labels: { source },
    summary: "Metrics are frozen: alerts judge the past.",
    description,
  });
  return [
    {
      name: "TextfileScrapeError",
      expr: `last_over_time(node_textfile_scrape_error[${bridge}]) != 0`,
      forSeconds: limits.textfileErrorForSeconds,
      severity: "warning",
      page: true,
      summary: "node_exporter cannot read a metrics file: its metrics are missing.",
      description:
        "A file in the textfile directory of {{ $labels.instance }} is broken or unreadable. " +
        "Look there: `journalctl -u prometheus-node-exporter -n 50`.",
    },
    stale(
      "file",
      `time() - last_over_time(node_textfile_mtime_seconds${files}[${bridge}]) > ${limits.metricsAgeSeconds}`,
      `{{ $labels.file }} on {{ $labels.instance }} was written {{ $value | humanizeDuration }} ago (limit ${age}). ` +
        "Look there: `systemctl list-timers 'restorable-*'`, `journalctl -u 'restorable-*metrics.service' -n 50`.",
    ),
    stale(
      "look",
      `time() - ${latest("restorable_repository_look_timestamp_seconds")} > ${limits.metricsAgeSeconds}` +
        ` unless on (instance, repo) (${latest("restorable_repository_reachable")} == 0)`,
      "{{ $labels.instance }} last saw into repository {{ $labels.repo }} {{ $value | humanizeDuration }} ago " +
        `(limit ${age}), and does not say that it is unreachable. ` +
        "Look there: `journalctl -u restorable-metrics.service -n 50`.",
    ),
    ...absences(expected, limits),
    {
      name: "DeadMansSwitch",
      expr: "vector(1)",
      forSeconds: 0,
      severity: "none",
      labels: { stanza: expected.stanza },
      summary: "Always fires: silence means that alerting is dead.",
      description: `Stanza ${expected.stanza}: goes to a receiver outside of this site, which calls when it stops coming.`,
    },
  ];
}

/** One rule per reporter and source. Equal matchers in one rule: it fires once, however many of its series are gone. */
function absences(expected: Expected, limits: AlertThresholds): Alert[] {
  const { stanza, repositories, dataNodes, monitor, drillHost } = expected;
  const members = [...dataNodes, monitor];
  const rule = (source: string, labels: Place, missing: readonly string[]): Alert => ({
    name: "MetricsAbsent",
    expr: missing.join(" or "),
    forSeconds: limits.metricsAbsentForSeconds,
    severity: "warning",
    page: true,
    labels: { stanza, ...labels, source },
    summary: "Expected metrics are missing: alerts on them stay silent.",
    description:
      `Prometheus lacks at least one series of ${labels.instance}, source ${source}, stanza ${stanza}. ` +
      `What it has: \`{instance="${labels.instance}",__name__=~"restorable_.+|node_textfile_.+|pg_up"}\`.`,
  });
  const goneFrom =
    (instance: string) =>
    (metric: string, more: Readonly<Record<string, string>> = {}): string =>
      `absent(${metric}${selector({ instance, stanza, ...more })})`;
  return [
    ...dataNodes.map(({ name, host }) => {
      const metrics = ["pg_up", ...ofPostgres.map((metric) => `restorable_postgres_${metric}`)];
      const gone = goneFrom(name);
      return rule(
        "postgres",
        { instance: name, role: "data", host },
        metrics.map((metric) => gone(metric)),
      );
    }),
    ...dataNodes.map(({ name, host }) => {
      const gone = goneFrom(name);
      const looks = repositories.flatMap((repo) =>
        ofRepositories.map((metric) => gone(`restorable_repository_${metric}`, { "repo=~": String(repo) })),
      );
      const metrics = ["restorable_wal_dropped_total", ...ofMachines, ...ofCertificates];
      return rule("backup", { instance: name, role: "data", host }, [
        ...looks,
        ...metrics.map((metric) => gone(metric)),
      ]);
    }),
    rule("formation", { instance: monitor.name, role: "monitor", host: monitor.host }, [
      ...[...ofFormation.map((metric) => `restorable_formation_${metric}`), ...ofMachines, ...ofCertificates].map(
        (metric) => goneFrom(monitor.name)(metric),
      ),
    ]),
    ...[...new Set([...members.map(({ host }) => host), drillHost])].map((host) => {
      const gone = goneFrom(host);
      const volumes = members.filter((member) => member.host === host).map(({ volume }) => volume);
      const drill =
        host === drillHost
          ? repositories.map((repository) =>
              gone("restorable_timer_active", {
                "timer=~": `${repositoryUnit("pgbackrest-drill", repository)}[.]timer`,
              }),
            )
          : [];
      return rule("host", { instance: host, role: "host", host }, [
        ...volumes.flatMap((volume) =>
          ["size_bytes", "used_bytes"].map((metric) => gone(`restorable_volume_${metric}`, { "volume=~": volume })),
        ),
        ...ofMachines.map((metric) => gone(metric)),
        ...drill,
      ]);
    }),
  ];
}

/** Labels that the missing series would have had: inhibition goes by them. */
interface Place {
  readonly instance: string;
  readonly role: "host" | "data" | "monitor";
  readonly host: string;
}

const ofMachines = ["restorable_timer_active", "node_textfile_scrape_error"];
const ofCertificates = ["restorable_certificate_expiry_timestamp_seconds"];
const ofRepositories = ["reachable", "look_timestamp_seconds", "newest_wal_timestamp_seconds", "archiving", "hole"];

const ofPostgres = [
  "in_recovery",
  "timeline",
  "sync_required",
  "sync_standbys",
  "commit_wait_seconds",
  "heartbeat_age_seconds",
  "replay_delay_seconds",
  "wal_bytes",
  "wal_ready_segments",
  "last_archived_timestamp_seconds",
  "archive_failed_timestamp_seconds",
];

const ofFormation = [
  "node_healthy",
  "node_primary",
  "primaries",
  "standbys",
  "nodes_expected",
  "last_failover_timestamp_seconds",
  "metrics_timestamp_seconds",
];
