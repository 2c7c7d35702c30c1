import { planCoverage } from "./planCoverage.js";
import { expectedDumps } from "./planDumps.js";
import type { Expected } from "./render/alertRules.js";
import { mebibytes } from "./render/size.js";
import type { Settings } from "./settings/complete.js";

/** The roles among the exports: see scripts/export/store.sh. */
const globals = "@globals";

/** Whose metrics Prometheus must have, by the names that the metrics carry. */
export function expectedReporters(settings: Settings): Expected {
  const { formation, backup, offsite, drill, monitoring, exports } = settings;
  const { monitor, nodes } = formation;
  const volume = ({ name, host }: { name: string; host: string }) => ({ name, host, volume: `${name}-data` });
  return {
    stanza: backup.stanza,
    repositories: backup.repositories.map(({ number }) => number),
    immutable: offsite ? [2] : [],
    dataNodes: nodes.map((node) => ({ ...volume(node), volumeBytes: mebibytes(node.dataSize) * 1024 * 1024 })),
    monitor: volume(monitor),
    drillHost: drill.host,
    archiveTimeoutSeconds: backup.archiveTimeoutSeconds,
    scrapeIntervalSeconds: monitoring?.scrapeIntervalSeconds ?? 15,
    ...(exports ? { exports: { databases: [globals, ...(exports.databases ?? [])] } } : {}),
    ...expectedDumps(settings),
    coverage: planCoverage(settings) !== undefined,
  };
}
