import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { DrillEnv } from "../render/drillEnv.js";
import type { ExportStore } from "../render/exports.js";
import { type RestoreEnv, renderRestoreEnv } from "../render/restoreEnv.js";
import { joinUnits, type UnitFiles } from "../render/systemdUnit.js";
import type { IncusHost } from "./IncusHost.js";
import type { BucketKey } from "./OffsiteBucket.js";
import { rcloneSecret } from "./PgExports.js";

export interface RestoreToolsArgs {
  host: IncusHost;
  /** Settings of the drill; what belongs to the host comes from `host`. */
  drill: Omit<DrillEnv, "incusProject" | "storagePool" | "network">;
  env: RestoreEnv;
  /** Absent without exports. */
  exports?: {
    store: ExportStore;
    units: UnitFiles;
    /** Read-only key of the drill host. */
    reader: BucketKey;
    /** age identity that opens the exports. */
    identity: pulumi.Input<string>;
    /** PEM of the authority that signed the store's certificate; empty for the system's. */
    storeCa: pulumi.Input<string>;
  };
}

/** What brings single tables, databases and exports back, beside the drill, whose parts it uses; and the drill of the exports. */
export class RestoreTools extends pulumi.ComponentResource {
  readonly installed: remote.Command;

  constructor(name: string, args: RestoreToolsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:RestoreTools", name, {}, opts);
    const { host, drill, exports } = args;
    const { metricsDirectory, metricsPrefix } = drill;
    this.installed = host.step(
      `${name}-tools`,
      {
        script: "restore-tools",
        undo: {
          script: "restore-tools-remove",
          settings: { METRICS_DIR: metricsDirectory, METRICS_GLOB: `${metricsPrefix}_export_drill_*` },
        },
        target: "restore",
        files: ["restore-table.sh", "restore-export.sh", "export-drill.sh", "exports-remove.sh", "restore", "export"],
        settings: {
          ENV_FILE: renderRestoreEnv(
            { ...drill, incusProject: host.project, storagePool: host.storagePool, network: host.network },
            args.env,
          ),
          METRICS_DIR: metricsDirectory,
          METRICS_GLOB: `${metricsPrefix}_export_drill_*`,
          STORE_CA: exports?.storeCa ?? "",
          UNITS: exports ? joinUnits(exports.units) : "",
        },
        ...(exports
          ? {
              secrets: {
                RCLONE_CONF: rcloneSecret(exports.store, exports.reader),
                IDENTITY: pulumi.secret(exports.identity),
              },
            }
          : {}),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
