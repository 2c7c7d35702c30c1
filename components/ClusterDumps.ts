import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type ExportStore, recipientsOf } from "../render/exports.js";
import {
  apps,
  type BackupsArgs,
  backupsJson,
  bucketScripts,
  type ClusterJobsArgs,
  type DrillJobArgs,
  type DumpArgs,
  drillJob,
  drillSecrets,
  dumpJob,
  dumpScripts,
  inventoryAccount,
  inventoryJob,
  inventoryScripts,
  verifyJob,
} from "../render/kubernetes/jobs.js";
import { apiTargets, networkPolicy, type Target, targetOf } from "../render/kubernetes/networkPolicy.js";
import { managedBy, objectNames, passwd, scriptsData } from "../render/kubernetes/pods.js";
import { opaqueSecret } from "./clusterSecret.js";
import type { BucketKey } from "./OffsiteBucket.js";
import { rcloneSecret } from "./PgExports.js";

export interface ClusterDumpsArgs {
  jobs: ClusterJobsArgs;
  dumps: readonly DumpArgs[];
  retentionDays: number;
  /** Name of the Secret with the writer's key, in each database's namespace. */
  secretName: string;
  drill: DrillJobArgs;
  verify: { schedule: string; maxAgeHours: number };
  /** Which backups drill and verification look for. */
  backups: BackupsArgs;
  store: ExportStore;
  /** What the jobs reach outside the cluster. */
  targets: readonly Target[];
  /** Scripts by their path below `scripts/`. */
  scripts: ReadonlyMap<string, string>;
  /** Key of the dumps: reads and writes, and destroys no version. */
  writer: BucketKey;
  /** Key of drill and verification: reads only. */
  reader: BucketKey;
  /** age identity that opens the dumps: only the drill has it, the databases' namespaces its public key. */
  identity: pulumi.Input<string>;
  /** Further age recipients. */
  recipients: readonly string[];
  /** PEM of the authority that signed the store's certificate; empty for the system's. */
  storeCa: pulumi.Input<string>;
}

/**
 * Dumps of a cluster's databases into the off-site bucket: a job for each in its own namespace, where its password is;
 * verification and drill in a namespace that has no credential of a live database.
 */
export class ClusterDumps extends pulumi.ComponentResource {
  constructor(name: string, args: ClusterDumpsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:ClusterDumps", name, {}, opts);
    const child: pulumi.CustomResourceOptions = { parent: this };
    const { jobs, dumps, drill, store, targets } = args;
    const common = { passwd: passwd(jobs.runAsUser), "store-ca.crt": args.storeCa };
    const configMap = (id: string, namespace: string, key: keyof typeof objectNames, data: Data, options = child) =>
      new k8s.core.v1.ConfigMap(
        `${name}-${id}-${key}`,
        { metadata: { name: objectNames[key], namespace, labels: { ...managedBy } }, data },
        options,
      );
    // Public keys: a preview may show them, though they come from a secret.
    const recipients = pulumi.unsecret(
      pulumi.output(args.identity).apply((identity) => recipientsOf(identity, args.recipients)),
    );
    for (const namespace of new Set(dumps.map((dump) => dump.namespace))) {
      const here = dumps.filter((dump) => dump.namespace === namespace);
      const needed = [
        configMap(namespace, namespace, "scripts", scriptsData(dumpScripts, args.scripts)),
        configMap(namespace, namespace, "public", { ...common, recipients }),
        opaqueSecret(
          `${name}-${namespace}-writer`,
          { name: args.secretName, namespace, data: { "rclone.conf": rcloneSecret(store, args.writer) } },
          child,
        ),
        new k8s.networking.v1.NetworkPolicy(
          `${name}-${namespace}-network`,
          networkPolicy({ app: apps.dump, namespace, targets, databasePorts: here.map(({ port }) => port) }),
          child,
        ),
      ];
      for (const dump of here)
        new k8s.batch.v1.CronJob(
          `${name}-dump-${dump.name}`,
          dumpJob(jobs, dump, args.secretName, args.retentionDays),
          { ...child, dependsOn: needed },
        );
    }
    const { namespace } = drill;
    const own = new k8s.core.v1.Namespace(
      `${name}-drill-namespace`,
      {
        metadata: {
          name: namespace,
          // The API server holds the jobs to it.
          labels: { ...managedBy, "pod-security.kubernetes.io/enforce": "restricted" },
        },
      },
      // It may have been there before, with others in it; what the stack has inside goes by itself.
      { ...child, retainOnDelete: true },
    );
    const inside = { parent: this, dependsOn: [own] };
    const needed = [
      configMap(
        "drill",
        namespace,
        "scripts",
        scriptsData([...new Set([...bucketScripts, ...inventoryScripts])], args.scripts),
        inside,
      ),
      configMap("drill", namespace, "public", { ...common, "backups.json": backupsJson(args.backups) }, inside),
      opaqueSecret(
        `${name}-drill-reader`,
        { name: drillSecrets.reader, namespace, data: { "rclone.conf": rcloneSecret(store, args.reader) } },
        inside,
      ),
      opaqueSecret(
        `${name}-drill-identity`,
        { name: drillSecrets.identity, namespace, data: { identity: args.identity } },
        inside,
      ),
      new k8s.networking.v1.NetworkPolicy(
        `${name}-drill-network`,
        networkPolicy({ app: apps.bucket, namespace, targets, databasePorts: [] }),
        inside,
      ),
    ];
    const job = { parent: this, dependsOn: needed };
    const { schedule, maxAgeHours } = args.verify;
    new k8s.batch.v1.CronJob(`${name}-verify`, verifyJob(jobs, namespace, schedule, maxAgeHours), job);
    new k8s.batch.v1.CronJob(`${name}-drill`, drillJob(jobs, drill), job);
    const { account, role, binding } = inventoryAccount(namespace);
    const allowed = [
      new k8s.core.v1.ServiceAccount(`${name}-inventory-account`, account, inside),
      new k8s.rbac.v1.ClusterRole(`${name}-inventory-role`, role, child),
      new k8s.rbac.v1.ClusterRoleBinding(`${name}-inventory-binding`, binding, child),
      new k8s.networking.v1.NetworkPolicy(
        `${name}-inventory-network`,
        networkPolicy({
          app: apps.inventory,
          namespace,
          targets: [targetOf(jobs.pushgatewayUrl), ...apiTargets],
          databasePorts: [],
        }),
        inside,
      ),
    ];
    new k8s.batch.v1.CronJob(`${name}-inventory`, inventoryJob(jobs, namespace), {
      parent: this,
      dependsOn: [...needed, ...allowed],
    });
    this.registerOutputs({});
  }
}

type Data = Record<string, pulumi.Input<string>>;
