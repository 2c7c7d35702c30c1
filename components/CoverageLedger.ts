import * as pulumi from "@pulumi/pulumi";
import { type CoverageEnv, renderCoverageEnv } from "../render/coverageEnv.js";
import { joinUnits, type UnitFiles } from "../render/systemdUnit.js";
import type { IncusHost } from "./IncusHost.js";

export interface CoverageLedgerArgs {
  host: IncusHost;
  env: CoverageEnv;
  units: UnitFiles;
}

/** The coverage ledger on a host that reaches Prometheus: script, settings and timer. */
export class CoverageLedger extends pulumi.ComponentResource {
  constructor(name: string, { host, env, units }: CoverageLedgerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:CoverageLedger", name, {}, opts);
    host.step(
      `${name}-ledger`,
      {
        script: "coverage",
        undo: { script: "coverage-remove", settings: { METRICS_DIR: env.metricsDirectory } },
        target: "coverage",
        files: ["coverage.sh", "coverage/ledger.jq", "metrics/textfile.sh"],
        settings: { ENV_FILE: renderCoverageEnv(env), METRICS_DIR: env.metricsDirectory, UNITS: joinUnits(units) },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
