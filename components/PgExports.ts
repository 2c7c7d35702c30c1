import * as pulumi from "@pulumi/pulumi";
import { type ExportsArgs, exportsEnv, rcloneConf, recipientsOf } from "../render/exports.js";
import { joinUnits, type UnitFiles } from "../render/systemdUnit.js";
import type { BucketKey } from "./OffsiteBucket.js";
import type { PgNode } from "./PgFormation.js";

export interface PgExportsArgs extends ExportsArgs {
  node: PgNode;
  major: number;
  units: UnitFiles;
  /** Key of the data nodes: reads and writes, and destroys no version. */
  writer: BucketKey;
  /** age identity of the stack: only its public key goes to the node. */
  identity: pulumi.Input<string>;
  /** Further age recipients. */
  recipients: readonly string[];
  /** PEM of the authority that signed the store's certificate; empty for the system's. */
  storeCa: pulumi.Input<string>;
  ownCa: boolean;
}

/** Logical exports on one data node: they run on the primary only, and can be opened by nobody there. */
export class PgExports extends pulumi.ComponentResource {
  constructor(name: string, args: PgExportsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:PgExports", name, {}, opts);
    args.node.container.step(
      `${name}-configuration`,
      {
        script: "exports-node",
        undo: { script: "exports-node-remove", settings: { METRICS_DIR: args.metricsDirectory } },
        files: ["pg.sh", "node", "metrics", "export"],
        settings: {
          MAJOR: args.major,
          ENV_FILE: exportsEnv(args, args.ownCa),
          METRICS_DIR: args.metricsDirectory,
          STORE_CA: args.storeCa,
          // Public keys: a preview may show them, though they come from a secret.
          RECIPIENTS: pulumi.unsecret(
            pulumi.output(args.identity).apply((identity) => recipientsOf(identity, args.recipients)),
          ),
          UNITS: joinUnits(args.units),
        },
        secrets: { RCLONE_CONF: rcloneSecret(args.store, args.writer) },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** rclone's configuration with this key; secret. */
export function rcloneSecret(store: ExportsArgs["store"], key: BucketKey): pulumi.Output<string> {
  return pulumi.secret(pulumi.output(key).apply((plain) => rcloneConf(store, plain)));
}
