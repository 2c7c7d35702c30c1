import type { IniEntry } from "./ini.js";
import { literal, renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";
import { NODE_SCRIPT_DIRECTORY } from "./systemdUnits.js";

/** Port of node_exporter, on hosts and in containers. */
export const NODE_EXPORTER_PORT = 9100;
/** Port of postgres_exporter on data nodes. */
export const POSTGRES_EXPORTER_PORT = 9187;
/** Queries of postgres_exporter beside its own. */
export const POSTGRES_QUERIES_FILE = "/etc/restorable/postgres-queries.yaml";
/** Settings of the metrics jobs in a container. */
export const METRICS_ENV_FILE = "/etc/restorable/metrics.env";
/** Settings of the host's metrics job. */
export const HOST_METRICS_ENV_FILE = "/etc/restorable/host-metrics.env";
/** System user of postgres_exporter, and the role that it is by peer authentication. */
export const METRICS_ROLE = "restorable_metrics";

export interface NodeExporterArgs {
  /** Address of the container: nothing listens on another one. */
  readonly address: string;
  /** Folder of the textfile collector. */
  readonly directory: string;
}

/**
 * `prometheus-node-exporter.service`, in place of the Debian package's. Only what somebody reads is collected: a
 * container sees the host's hardware, which is the business of the host's own exporter. The flags are those of 1.5
 * (Debian 12) and 1.9 (Debian 13).
 */
export function nodeExporterUnit({ address, directory }: NodeExporterArgs): UnitFiles {
  const collectors = ["cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "pressure", "stat"];
  return {
    [unitPath("prometheus-node-exporter.service")]: exporter("Metrics of this container", "prometheus", [
      [
        "ExecStart",
        [
          "/usr/bin/prometheus-node-exporter --collector.disable-defaults",
          ...[...collectors, "textfile", "time", "uname"].map((name) => `--collector.${name}`),
          `--collector.textfile.directory=${literal(directory)}`,
          `--web.listen-address=${address}:${NODE_EXPORTER_PORT}`,
        ].join(" "),
      ],
    ]),
  };
}

export interface PostgresExporterArgs {
  /** Address of the container: nothing listens on another one. */
  readonly address: string;
  /** Database to connect to: the application's, where the heartbeat is. */
  readonly database: string;
}

/**
 * `prometheus-postgres-exporter.service`, in place of the Debian package's: over the socket, by peer authentication,
 * hence without a password. `--extend.query-path` is in 0.11 (Debian 12) and, called deprecated, in 0.17 (Debian 13).
 * $COLLECTORS, from the step on the node, turns off what only some versions have.
 */
export function postgresExporterUnit({ address, database }: PostgresExporterArgs): UnitFiles {
  const source = `postgresql:///${encodeURIComponent(database)}?host=/run/postgresql&user=${METRICS_ROLE}&sslmode=disable&connect_timeout=5&statement_timeout=8000&application_name=postgres_exporter`;
  return {
    [unitPath("prometheus-postgres-exporter.service")]: exporter("Metrics of this node's Postgres", METRICS_ROLE, [
      ["Environment", literal(`DATA_SOURCE_NAME=${source}`)],
      ["EnvironmentFile", "/etc/restorable/postgres-exporter.env"],
      [
        "ExecStart",
        [
          "/usr/bin/prometheus-postgres-exporter --disable-settings-metrics",
          `--extend.query-path=${POSTGRES_QUERIES_FILE}`,
          `--web.listen-address=${address}:${POSTGRES_EXPORTER_PORT} $COLLECTORS`,
        ].join(" "),
      ],
    ]),
  };
}

/** `restorable-metrics.{service,timer}` on a data node: repositories, timers, certificates, each minute. */
export function backupMetricsUnits(): UnitFiles {
  return job({
    name: "restorable-metrics",
    description: "Metrics of repositories, timers and certificates",
    command: `${NODE_SCRIPT_DIRECTORY}/backup-metrics.sh`,
    onCalendar: "*-*-* *:*:25 UTC",
    timeoutSeconds: 55,
    entries: [...asPostgres, ["StateDirectory", "restorable-metrics"]],
  });
}

/** `restorable-formation-metrics.{service,timer}` on the monitor: the formation's state, every 15 seconds. */
export function formationMetricsUnits(): UnitFiles {
  return job({
    name: "restorable-formation-metrics",
    description: "Metrics of the formation",
    command: `${NODE_SCRIPT_DIRECTORY}/formation-metrics.sh`,
    onCalendar: "*-*-* *:*:00/15 UTC",
    timeoutSeconds: 14,
    entries: asPostgres,
  });
}

/** `restorable-host-metrics.{service,timer}` on an Incus host: its data volumes, each minute. */
export function hostMetricsUnits(): UnitFiles {
  return job({
    name: "restorable-host-metrics",
    description: "Metrics of the data volumes",
    command: "/usr/local/lib/restorable/metrics/host-metrics.sh",
    onCalendar: "*-*-* *:*:45 UTC",
    timeoutSeconds: 55,
    entries: [["User", "root"]],
  });
}

const asPostgres: IniEntry[] = [
  ["User", "postgres"],
  ["Group", "postgres"],
  ["NoNewPrivileges", true],
];

function exporter(description: string, user: string, entries: IniEntry[]): string {
  return renderUnit([
    {
      name: "Unit",
      entries: [
        ["Description", description],
        ["Wants", "network-online.target"],
        ["After", "network-online.target"],
        // It cannot listen before its address is there, nor may it stay away because of that.
        ["StartLimitIntervalSec", 0],
      ],
    },
    {
      name: "Service",
      entries: [["User", user], ["NoNewPrivileges", true], ...entries, ["Restart", "always"], ["RestartSec", "2s"]],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
}

interface Job {
  name: string;
  description: string;
  command: string;
  onCalendar: string;
  /** Shorter than the interval: a hung run must not swallow the next one. */
  timeoutSeconds: number;
  entries: IniEntry[];
}

function job({ name, description, command, onCalendar, timeoutSeconds, entries }: Job): UnitFiles {
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      { name: "Unit", entries: [["Description", description]] },
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ...entries,
          ["TimeoutStartSec", `${timeoutSeconds}s`],
          // Each start in the journal would drown it; what the script says, and failures, are still logged.
          ["SyslogLevel", "notice"],
          ["LogLevelMax", "notice"],
          ["ExecStart", command],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", description]] },
      {
        name: "Timer",
        entries: [
          ["OnCalendar", onCalendar],
          ["AccuracySec", "1s"],
        ],
      },
      { name: "Install", entries: [["WantedBy", "timers.target"]] },
    ]),
  };
}
