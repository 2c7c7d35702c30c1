import * as pulumi from "@pulumi/pulumi";
import type { ArchivingBounds } from "../render/archivingUnits.js";
import { type BackupTimers, backupNodeUnits } from "../render/backupFiles.js";
import { dataNodeMetricsEnv, monitorMetricsEnv, timersOf } from "../render/metricsEnv.js";
import {
  backupMetricsUnits,
  formationMetricsUnits,
  METRICS_ROLE,
  nodeExporterUnit,
  postgresExporterUnit,
} from "../render/metricsUnits.js";
import { renderPostgresQueries, type StandbyName } from "../render/postgresQueries.js";
import { joinUnits, type UnitFiles, unitsToEnable } from "../render/systemdUnit.js";
import type { IncusContainer } from "./IncusContainer.js";

/** Certificates that every node of the formation has. */
const nodeCertificates = ["/etc/restorable/tls/ca.crt", "/etc/restorable/tls/server.crt"];

interface Common {
  container: IncusContainer;
  /** Folder of the textfile collector in the container. */
  directory: string;
}

export interface DataNodeMetricsArgs extends Common {
  major: number;
  database: string;
  stanza: string;
  repositories: number[];
  timers: BackupTimers;
  /** Units of other steps, whose timers have to be active too. */
  units?: UnitFiles;
  nodes: StandbyName[];
  outage: ArchivingBounds;
}

/** Exporters and the metrics job of a data node. */
export class DataNodeMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: DataNodeMetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:DataNodeMetrics", name, {}, opts);
    const { container, directory, database } = args;
    const { address } = container;
    const units = {
      ...nodeExporterUnit({ address, directory }),
      ...postgresExporterUnit({ address, database }),
      ...backupMetricsUnits(),
    };
    container.step(
      `${name}-step`,
      {
        script: "node-metrics",
        files: metricsScripts,
        settings: {
          MAJOR: args.major,
          DATABASE: database,
          ROLE: METRICS_ROLE,
          METRICS_DIR: directory,
          ENV_FILE: dataNodeMetricsEnv({
            directory,
            stanza: args.stanza,
            repositories: args.repositories,
            timers: timersOf(
              unitsToEnable({ ...backupNodeUnits(args.timers, directory, args.outage), ...args.units, ...units }),
            ),
            certificates: nodeCertificates,
          }),
          QUERIES: renderPostgresQueries(args.nodes, args.stanza),
          UNITS: joinUnits(units),
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

export interface MonitorMetricsArgs extends Common {
  major: number;
  /** Data nodes that the settings name. */
  nodesExpected: number;
}

/** Exporter and the metrics job of the formation's monitor. */
export class MonitorMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: MonitorMetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:MonitorMetrics", name, {}, opts);
    const { container, directory } = args;
    const units = { ...nodeExporterUnit({ address: container.address, directory }), ...formationMetricsUnits() };
    container.step(
      `${name}-step`,
      {
        script: "node-metrics",
        files: metricsScripts,
        settings: {
          MAJOR: args.major,
          METRICS_DIR: directory,
          ENV_FILE: monitorMetricsEnv({
            directory,
            nodesExpected: args.nodesExpected,
            timers: timersOf(unitsToEnable(units)),
            certificates: nodeCertificates,
          }),
          QUERIES: "",
          UNITS: joinUnits(units),
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

const metricsScripts = ["pg.sh", "node", "metrics"];
