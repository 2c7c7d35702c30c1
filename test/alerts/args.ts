import type { AlertRulesArgs } from "../../render/alertRules.js";

/** Two hosts, two data nodes, two repositories: what the promtool suites are written for. */
export const args: AlertRulesArgs = {
  prefix: "veza",
  runbookUrlPattern: "https://veza.fr/runbooks/{alert}",
  drillStaleSeconds: 691200,
  expectedDrills: [
    { stanza: "main", repository: 1 },
    { stanza: "main", repository: 2 },
  ],
  pitrDrills: true,
  expected: {
    stanza: "main",
    repositories: [1, 2],
    immutable: [2],
    dataNodes: [
      { name: "pgaf-primary", host: "host-a", volume: "pgaf-primary-data", volumeBytes: 10 * 1024 ** 3 },
      { name: "pgaf-replica", host: "host-b", volume: "pgaf-replica-data", volumeBytes: 10 * 1024 ** 3 },
    ],
    monitor: { name: "pgaf-monitor", host: "host-b", volume: "pgaf-monitor-data" },
    drillHost: "host-b",
    archiveTimeoutSeconds: 60,
    scrapeIntervalSeconds: 15,
    exports: { databases: ["@globals"] },
    dumps: [
      { kind: "postgres", host: "docker-1" },
      { kind: "gitea", host: "docker-1" },
    ],
    cluster: {
      databases: [{ namespace: "shop", source: "orders", database: "orders" }],
      archives: [{ namespace: "shop", source: "orders", database: "@cnpg" }],
      drillNamespace: "restorable-drill",
    },
    coverage: true,
  },
};
