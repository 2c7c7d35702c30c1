import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  type CnpgArgs,
  clusterPatch,
  cnpgSecretKeys,
  objectStore,
  scheduledBackup,
} from "../render/kubernetes/cnpg.js";
import { opaqueSecret } from "./clusterSecret.js";
import type { BucketKey } from "./OffsiteBucket.js";

export interface CnpgBackupArgs extends CnpgArgs {
  writer: BucketKey;
  /** PEM of the authority that signed the store's certificate; empty for the system's. */
  storeCa: pulumi.Input<string>;
}

/**
 * The archive of one CNPG cluster in the off-site bucket, by the barman-cloud plugin: base backups and WAL. The Cluster
 * belongs to others; of it only `spec.plugins` is set, by a field manager of its own, and given up again on removal.
 */
export class CnpgBackup extends pulumi.ComponentResource {
  constructor(name: string, args: CnpgBackupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:CnpgBackup", name, {}, opts);
    const child = { parent: this };
    const { namespace, secretName, writer } = args;
    const credentials = opaqueSecret(
      `${name}-credentials`,
      {
        name: secretName,
        namespace,
        data: {
          [cnpgSecretKeys.key]: writer.key,
          [cnpgSecretKeys.keySecret]: writer.keySecret,
          ...(args.ownCa ? { [cnpgSecretKeys.ca]: args.storeCa } : {}),
        },
      },
      child,
    );
    const { CustomResource, CustomResourcePatch } = k8s.apiextensions;
    const store = new CustomResource(`${name}-store`, objectStore(args), { ...child, dependsOn: [credentials] });
    const switched = new CustomResourcePatch(`${name}-cluster`, clusterPatch(args), { ...child, dependsOn: [store] });
    // After the switch: WAL that went to the former destination belongs to backups there.
    new CustomResource(`${name}-schedule`, scheduledBackup(args), { ...child, dependsOn: [switched] });
    this.registerOutputs({});
  }
}
