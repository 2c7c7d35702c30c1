import { planCoverage } from "./planCoverage.js";
import { expectedDumps } from "./planDumps.js";
import type { Expected } from "./render/alertRules.js";
import type { ExpectedCluster } from "./render/alerts/clusterDumps.js";
import { mebibytes } from "./render/size.js";
import type { Settings } from "./settings/complete.js";
import type { Kubernetes } from "./settings/kubernetes.js";

/** The roles among the exports: see scripts/export/store.sh. */
const globals = "@globals";

/** Whose metrics Prometheus must have, by the names that the metrics carry. */
export function expectedReporters(settings: Settings): Expected {
  const { formation, backup, offsite, drill, monitoring, exports, kubernetes } = settings;
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
    ...(kubernetes?.enabled ? { cluster: expectedCluster(kubernetes) } : {}),
    coverage: planCoverage(settings) !== undefined,
  };
}

function expectedCluster({ databases, cnpg, drill }: Kubernetes): ExpectedCluster {
  return {
    databases: databases.map(({ namespace, source, database }) => ({ namespace, source, database })),
    archives: cnpg
      .filter(({ enabled }) => enabled)
      .map(({ namespace, cluster }) => ({ namespace, source: cluster, database: "@cnpg" })),
    drillNamespace: drill.namespace,
  };
}
