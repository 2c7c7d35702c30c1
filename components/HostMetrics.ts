import * as pulumi from "@pulumi/pulumi";
import { hostMetricsEnv, timersOf } from "../render/metricsEnv.js";
import { hostMetricsUnits } from "../render/metricsUnits.js";
import { joinUnits, unitsToEnable } from "../render/systemdUnit.js";
import type { IncusHost } from "./IncusHost.js";

export interface HostMetricsArgs {
  host: IncusHost;
  /** Folder of the textfile collector on the host. */
  directory: string;
  /** Other timers that have to be active there: the drill's. */
  timers: string[];
  /** Certificates that lie there: the authority's. */
  certificates: string[];
}

/** The metrics job of an Incus host; node_exporter itself is there already. Make it after the host's containers. */
export class HostMetrics extends pulumi.ComponentResource {
  constructor(name: string, args: HostMetricsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:HostMetrics", name, {}, opts);
    const { host, directory } = args;
    const units = hostMetricsUnits();
    host.step(
      `${name}-step`,
      {
        script: "host-metrics",
        undo: { script: "host-metrics-remove", settings: { METRICS_DIR: directory } },
        target: "metrics",
        files: ["metrics"],
        settings: {
          METRICS_DIR: directory,
          ENV_FILE: hostMetricsEnv({
            directory,
            host: host.hostName,
            incusProject: host.project,
            storagePool: host.storagePool,
            // Containers are made in another order when they are replaced: not in another text for that.
            volumes: host.dataVolumes.map(({ volume }) => volume).sort(),
            timers: [...args.timers, ...timersOf(unitsToEnable(units))],
            certificates: args.certificates,
          }),
          UNITS: joinUnits(units),
        },
      },
      { parent: this, dependsOn: host.dataVolumes.map(({ made }) => made) },
    );
    this.registerOutputs({});
  }
}
