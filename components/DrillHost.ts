import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type BackupFilesArgs, drillConf } from "../render/backupFiles.js";
import { type DrillEnv, renderDrillEnv } from "../render/drillEnv.js";
import { joinUnits } from "../render/systemdUnit.js";
import { type DrillUnitsArgs, drillUnits, type PitrDrillUnitsArgs, pitrDrillUnits } from "../render/systemdUnits.js";
import type { IncusHost } from "./IncusHost.js";
import { type RepositorySecrets, secretsConf } from "./PgBackrestNode.js";

export interface DrillHostArgs {
  host: IncusHost;
  /** Settings of the drill; what belongs to the host comes from `host`. */
  env: Omit<DrillEnv, "incusProject" | "storagePool" | "network">;
  backup: BackupFilesArgs;
  units: DrillUnitsArgs[];
  /** The drill to a random moment; none when absent. */
  pitr?: PitrDrillUnitsArgs;
  secrets: RepositorySecrets[];
  /** PEM of the authority that signed the stores' certificates; empty for the system's. */
  storeCa: pulumi.Input<string>;
}

/** The restore drill on an Incus host: script, settings and timer. It restores from the repository alone. */
export class DrillHost extends pulumi.ComponentResource {
  readonly installed: remote.Command;

  constructor(name: string, args: DrillHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:DrillHost", name, {}, opts);
    const { host, backup, env } = args;
    const metrics = { METRICS_DIR: env.metricsDirectory, METRICS_GLOB: `${env.metricsPrefix}_backup_drill_*` };
    this.installed = host.step(
      `${name}-drill`,
      {
        script: "drill-host",
        undo: { script: "drill-host-remove", settings: metrics },
        target: "drill",
        files: ["dr-drill.sh", "drill", "escrow"],
        settings: {
          ENV_FILE: renderDrillEnv({
            ...env,
            incusProject: host.project,
            storagePool: host.storagePool,
            network: host.network,
          }),
          METRICS_DIR: env.metricsDirectory,
          REPOSITORIES: env.repositories.join(" "),
          STORE_CA: args.storeCa,
          UNITS: joinUnits(Object.assign({}, ...args.units.map(drillUnits), args.pitr && pitrDrillUnits(args.pitr))),
          ...Object.fromEntries(
            backup.repositories.map((repository) => [
              `CONF_${repository.number}`,
              drillConf(backup, env.cpu, repository),
            ]),
          ),
        },
        secrets: Object.fromEntries(
          args.secrets.map((secrets) => [`SECRETS_${secrets.number}`, secretsConf([secrets])]),
        ),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
