import { expectedReporters } from "./planAlerts.js";
import { type CoveragePlan, planCoverage } from "./planCoverage.js";
import { type PlannedDump, planDumps } from "./planDumps.js";
import { type ExportsPlan, planExports, planRestore } from "./planExports.js";
import { type KubernetesPlan, planKubernetes } from "./planKubernetes.js";
import { type AlertRulesArgs, type AlertThresholds, defaultThresholds } from "./render/alertRules.js";
import type { BackupFilesArgs, BackupTimers } from "./render/backupFiles.js";
import type { DashboardArgs } from "./render/dashboard/panel.js";
import type { DrillEnv } from "./render/drillEnv.js";
import { type FailoverTestEnv, failoverTestEnv } from "./render/failoverTestEnv.js";
import { type ImageIdentity, imageAlias } from "./render/image.js";
import { immutabilityUnits } from "./render/immutabilityUnits.js";
import { dataDirectory, storeCaFile } from "./render/layout.js";
import type { RestoreEnv } from "./render/restoreEnv.js";
import type { UnitFiles } from "./render/systemdUnit.js";
import { type DrillUnitsArgs, drillUnits, type PitrDrillUnitsArgs, pitrDrillUnits } from "./render/systemdUnits.js";
import type { Settings } from "./settings/complete.js";

/** What `drill.env` says, apart from the Incus host it stands on. */
export type PlannedDrillEnv = Omit<DrillEnv, "incusProject" | "storagePool" | "network">;

/** What the settings say about the files on hosts and in containers, as the renderers want it. */
export interface Plan {
  image: ImageIdentity;
  backup: BackupFilesArgs;
  backupTimers: BackupTimers;
  drillEnv: PlannedDrillEnv;
  /** One for each repository. */
  drillUnits: DrillUnitsArgs[];
  /** Absent when there is no such drill. */
  pitrDrillUnits?: PitrDrillUnitsArgs;
  /** All units of the drill host. */
  drillHostUnits: UnitFiles;
  /** Units of each data node beside those of the backups. */
  nodeUnits: UnitFiles;
  failoverTestEnv: FailoverTestEnv;
  restoreEnv: RestoreEnv;
  /** Absent without logical exports. */
  exports?: ExportsPlan;
  dumps: PlannedDump[];
  /** Absent without a Kubernetes cluster. */
  kubernetes?: KubernetesPlan;
  /** Absent where there is no Prometheus to ask. */
  coverage?: CoveragePlan;
  alertRules: AlertRulesArgs;
  dashboard: DashboardArgs;
}

/** The one way from settings to rendered files: for the program and for `npm run render` alike. */
export function plan(settings: Settings): Plan {
  const { postgres, backup, drill, metrics, alerts, objectStore, offsite, offsiteStore, packages, image } = settings;
  const { randomizedDelaySeconds } = backup;
  const own = [objectStore?.address, offsiteStore?.address];
  const repositories = backup.repositories.map((repository) => ({
    ...repository,
    ...(own.includes(repository.endpoint) ? { caFile: storeCaFile } : {}),
  }));
  const exports = planExports(settings);
  const kubernetes = planKubernetes(settings);
  const coverage = planCoverage(settings);
  const numbers = repositories.map(({ number }) => number);
  const identity: ImageIdentity = {
    major: postgres.major,
    base: image,
    packageSource: packages.source ?? "",
    revision: packages.revision,
  };
  const drillUnitsArgs = repositories.map(({ number, timers }) => ({
    repository: number,
    timeLimitSeconds: drill.timeLimitSeconds,
    onCalendar: timers.drill,
    randomizedDelaySeconds,
  }));
  const pitr = drill.pitr.enabled && {
    repositories: numbers.length,
    timeLimitSeconds: drill.timeLimitSeconds,
    onCalendar: drill.pitr.timer,
    randomizedDelaySeconds,
  };
  return {
    image: identity,
    backup: {
      stanza: backup.stanza,
      major: postgres.major,
      repositories,
      compressLevel: backup.compressLevel,
      blockIncremental: backup.blockIncremental,
      outage: backup.outage,
    },
    backupTimers: {
      randomizedDelaySeconds,
      repositories: repositories.map(({ number, timers: { full, diff } }) => ({ number, full, diff })),
    },
    drillEnv: {
      stanza: backup.stanza,
      repositories: numbers,
      image: imageAlias(identity),
      fallbackImage: image,
      cpu: drill.cpu,
      memory: drill.memory,
      major: postgres.major,
      pgPath: dataDirectory(postgres.major),
      database: drill.database,
      query: drill.query,
      minUsersExpected: drill.minUsersExpected,
      metricsDirectory: metrics.directory,
      metricsPrefix: metrics.prefix,
      timeLimitSeconds: drill.timeLimitSeconds,
      keepExpiryHours: drill.keepExpiryHours,
      rtoBoundSeconds: drill.rtoBoundSeconds,
      packageSource: packages.source ?? "",
      // The on-site one is drilled with the production key: what is in use is proven to be good.
      readOnlyRepositories: numbers.filter((number) => number !== 1),
      depth: drill.depth,
      rows: drill.rows,
    },
    drillUnits: drillUnitsArgs,
    ...(pitr ? { pitrDrillUnits: pitr } : {}),
    drillHostUnits: {
      ...Object.assign({}, ...drillUnitsArgs.map(drillUnits)),
      ...(pitr ? pitrDrillUnits(pitr) : {}),
      ...exports?.drillUnits,
    },
    nodeUnits: { ...(offsite ? immutabilityUnits(randomizedDelaySeconds) : {}), ...exports?.nodeUnits },
    failoverTestEnv: failoverTestEnv(settings),
    restoreEnv: planRestore(settings),
    ...(exports ? { exports } : {}),
    dumps: planDumps(settings),
    ...(kubernetes ? { kubernetes } : {}),
    ...(coverage ? { coverage } : {}),
    alertRules: {
      prefix: metrics.prefix,
      runbookUrlPattern: alerts.runbookUrlPattern,
      drillStaleSeconds: alerts.drillStaleSeconds,
      expectedDrills: numbers.map((repository) => ({ stanza: backup.stanza, repository })),
      pitrDrills: drill.pitr.enabled,
      expected: expectedReporters(settings),
      thresholds: thresholds(alerts),
      timeScale: alerts.timeScale,
    },
    dashboard: {
      prefix: metrics.prefix,
      rtoBoundSeconds: drill.rtoBoundSeconds,
      drillStaleSeconds: alerts.drillStaleSeconds,
    },
  };
}

/** The thresholds that the settings name; all others keep the rules' defaults. */
function thresholds(alerts: Settings["alerts"]): Partial<AlertThresholds> {
  const names = Object.keys(defaultThresholds) as (keyof AlertThresholds)[];
  return Object.fromEntries(names.flatMap((name) => (alerts[name] === undefined ? [] : [[name, alerts[name]]])));
}
