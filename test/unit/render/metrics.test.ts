import { describe, expect, it } from "vitest";
import { dataNodeMetricsEnv, hostMetricsEnv, monitorMetricsEnv, timersOf } from "../../../render/metricsEnv.js";
import {
  backupMetricsUnits,
  formationMetricsUnits,
  hostMetricsUnits,
  nodeExporterUnit,
  postgresExporterUnit,
} from "../../../render/metricsUnits.js";
import { renderPostgresQueries } from "../../../render/postgresQueries.js";
import { unitsToEnable } from "../../../render/systemdUnit.js";

const exporters = {
  ...nodeExporterUnit({ address: "10.1.1.12", directory: "/var/lib/node_exporter/textfile_collector" }),
  ...postgresExporterUnit({ address: "10.1.1.12", database: "app" }),
};
const jobs = { ...backupMetricsUnits(), ...formationMetricsUnits(), ...hostMetricsUnits() };

describe("units of metrics", () => {
  it.each(Object.entries({ ...exporters, ...jobs }))("%s is rendered as agreed", async (path, content) => {
    await expect(content).toMatchFileSnapshot(`golden/${path.split("/").at(-1)}`);
  });

  it("enables exporters and timers, not the jobs that these start", () => {
    expect(unitsToEnable({ ...exporters, ...jobs })).toEqual([
      "prometheus-node-exporter.service",
      "prometheus-postgres-exporter.service",
      "restorable-metrics.timer",
      "restorable-formation-metrics.timer",
      "restorable-host-metrics.timer",
    ]);
  });

  it("listens on the container's own address only, and holds no password", () => {
    for (const content of Object.values(exporters)) {
      expect(content).toMatch(/--web\.listen-address=10\.1\.1\.12:9\d{3}\b/);
      expect(content).not.toMatch(/password|:[^/ ]+@/i);
    }
  });
});

describe("queries of postgres_exporter", () => {
  it("are rendered as agreed", async () => {
    const text = renderPostgresQueries(
      [
        { name: "pgaf-primary", address: "10.1.1.12" },
        { name: "pgaf-replica", address: "10.1.1.13" },
      ],
      "main",
    );
    await expect(text).toMatchFileSnapshot("golden/postgres-queries.yaml");
  });
});

describe("settings of the jobs", () => {
  const machine = {
    directory: "/metrics",
    timers: timersOf(["a.timer", "b.service"]),
    certificates: ["/tls/ca.crt", "/tls/server.crt"],
  };

  it("are shell assignments", () => {
    const common = "METRICS_DIRECTORY='/metrics'\nTIMERS='a.timer'\nCERTIFICATES='/tls/ca.crt /tls/server.crt'\n";
    expect(dataNodeMetricsEnv({ ...machine, stanza: "main", repositories: [1, 2] })).toBe(
      `${common}STANZA='main'\nREPOSITORIES='1 2'\n`,
    );
    expect(monitorMetricsEnv({ ...machine, nodesExpected: 3 })).toBe(`${common}NODES_EXPECTED='3'\n`);
    expect(hostMetricsEnv({ ...machine, host: "h", incusProject: "p", storagePool: "s", volumes: ["it's"] })).toBe(
      `${common}HOST='h'\nINCUS_PROJECT='p'\nSTORAGE_POOL='s'\nVOLUMES='it'\\''s'\n`,
    );
  });
});
