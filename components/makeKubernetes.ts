import * as pulumi from "@pulumi/pulumi";
import type { ClusterDumpsArgs } from "./ClusterDumps.js";
import type { CnpgBackupArgs } from "./CnpgBackup.js";
import type { BucketKey } from "./OffsiteBucket.js";

export interface MakeKubernetesArgs extends ClusterDumpsArgs {
  /** Text of the kubeconfig. */
  kubeconfig: string;
  cnpg: readonly Omit<CnpgBackupArgs, "writer" | "storeCa">[];
  writer: BucketKey;
}

/**
 * All that the stack has in a cluster. The code is loaded here only: the package is big, and a stack without a cluster
 * needs not its plugin neither.
 */
export async function makeKubernetes(
  name: string,
  args: MakeKubernetesArgs,
  opts: pulumi.ComponentResourceOptions,
): Promise<void> {
  const [k8s, { ClusterDumps }, { CnpgBackup }] = await Promise.all([
    import("@pulumi/kubernetes"),
    import("./ClusterDumps.js"),
    import("./CnpgBackup.js"),
  ]);
  const { kubeconfig, cnpg, ...dumps } = args;
  const provider = new k8s.Provider(name, {
    kubeconfig: pulumi.secret(kubeconfig),
    // What an update that was cut off has made is taken over by the next one.
    upsertExistingObjects: true,
    // In place: a job that begins meanwhile would miss them.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
  });
  const options = { ...opts, provider };
  new ClusterDumps(`${name}-dumps`, dumps, options);
  for (const cluster of cnpg)
    new CnpgBackup(
      `${name}-cnpg-${cluster.namespace}-${cluster.cluster}`,
      { ...cluster, writer: args.writer, storeCa: args.storeCa },
      options,
    );
}
