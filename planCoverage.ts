import { planDumps } from "./planDumps.js";
import { planKubernetes } from "./planKubernetes.js";
import { defaultThresholds } from "./render/alertRules.js";
import type { Accepted, CoverageEnv } from "./render/coverageEnv.js";
import { coverageUnits } from "./render/coverageUnits.js";
import { ports } from "./render/prometheusConf.js";
import type { UnitFiles } from "./render/systemdUnit.js";
import type { Settings } from "./settings/complete.js";

/** What the settings say about the coverage ledger, as the renderers want it. */
export interface CoveragePlan {
  /** Host that asks Prometheus, by its name in the settings. */
  host: string;
  env: CoverageEnv;
  units: UnitFiles;
  /** Hosts with Docker, whose inventories are taken there. */
  dockerHosts: string[];
}

/** Inventories are taken each minute, or with the hour: one may be missed. */
const inventoryMaxAgeSeconds = 7500;

/** Part of `plan` for the ledger; undefined where the stack knows no Prometheus to ask. */
export function planCoverage(settings: Settings): CoveragePlan | undefined {
  const { hosts, formation, backup, drill, metrics, alerts, coverage, monitoring, prometheus } = settings;
  const asked = monitoring
    ? { host: drill.host, prometheusUrl: `http://${monitoring.address}:${ports.prometheus}` }
    : prometheus && { host: prometheus.host, prometheusUrl: prometheus.url };
  if (!asked) return undefined;
  const { host, prometheusUrl } = asked;
  const dockerDumps = planDumps(settings).flatMap(({ dump: { kind, host, container } }) =>
    container === undefined ? [] : [{ kind, host, container }],
  );
  const dockerHosts = [...new Set(dockerDumps.map((dump) => dump.host))];
  return {
    host,
    env: {
      prometheusUrl,
      stanza: backup.stanza,
      metricsPrefix: metrics.prefix,
      metricsDirectory: metrics.directory,
      // The bounds of the alerts on what is stale: the ledger calls nothing old that they do not.
      backupMaxAgeSeconds: alerts.diffBackupStaleSeconds ?? defaultThresholds.diffBackupStaleSeconds,
      drillMaxAgeSeconds: alerts.drillStaleSeconds,
      inventoryMaxAgeSeconds,
      inventories: [
        { place: "formation" },
        ...hosts.map(({ name }) => ({ place: "incus", reporter: name })),
        ...dockerHosts.map((reporter) => ({ place: "docker", reporter })),
        ...(planKubernetes(settings) ? [{ place: "kubernetes", reporter: "inventory" }] : []),
      ],
      stanzaVolumes: formation.nodes.map(({ name }) => `${name}-data`),
      dockerDumps,
      accepted: [...ownVolumes(settings), ...coverage.accepted],
    },
    dockerHosts,
    units: coverageUnits({
      onCalendar: coverage.calendar,
      randomizedDelaySeconds: Math.min(backup.randomizedDelaySeconds, 300),
    }),
  };
}

/** Volumes that the stack makes, and that hold nothing which a backup would bring back. */
function ownVolumes({ formation, monitoring, objectStore, offsiteStore }: Settings): Accepted[] {
  const volume = (member: { readonly name: string } | undefined, reason: string): Accepted[] =>
    member ? [{ place: "incus", name: `${member.name}-data`, reason }] : [];
  return [
    ...volume(formation.monitor, "an update makes it anew; its history is copied into the application's database"),
    ...volume(objectStore, "holds the backups of repository 1; their copy is repository 2"),
    ...volume(offsiteStore, "holds the backups of repository 2; their copy is repository 1"),
    ...volume(monitoring, "figures of the past; nothing is restored from them"),
  ];
}
