import type { ExportStore } from "../exports.js";
import { managedBy } from "./pods.js";

/** One CNPG cluster that archives into the off-site bucket. */
export interface CnpgArgs {
  readonly cluster: string;
  readonly namespace: string;
  /** Six fields, seconds first. */
  readonly schedule: string;
  readonly retentionDays: number;
  /** Secret with the writer's key. */
  readonly secretName: string;
  readonly store: ExportStore;
  /** Folder in the bucket. */
  readonly prefix: string;
  /** Whether the store's certificate needs an authority of its own, which lies in the Secret. */
  readonly ownCa: boolean;
}

const plugin = "barman-cloud.cloudnative-pg.io";
/** Keys of the Secret. */
export const cnpgSecretKeys = { key: "ACCESS_KEY_ID", keySecret: "ACCESS_SECRET_KEY", ca: "ca.crt" } as const;
export const objectStoreName = (cluster: string): string => `${cluster}-offcluster`;

/** Folder of all clusters of a namespace; each has its own below it, named like the cluster. */
const folder = ({ prefix, namespace }: CnpgArgs) => `${prefix}/cnpg/${namespace}`;

/** The cluster's folder, as rclone names it. */
export const cnpgRoot = (args: CnpgArgs): string => `exports:${args.store.bucket}/${folder(args)}/${args.cluster}`;

/** Where the plugin puts base backups and WAL. */
export function objectStore(args: CnpgArgs) {
  const { store, secretName } = args;
  const reference = (key: string) => ({ name: secretName, key });
  // At rest; barman has no encryption of its own before the upload.
  const kept = { compression: "gzip", encryption: "AES256" };
  return {
    apiVersion: "barmancloud.cnpg.io/v1",
    kind: "ObjectStore",
    metadata: { name: objectStoreName(args.cluster), namespace: args.namespace, labels: { ...managedBy } },
    spec: {
      retentionPolicy: `${args.retentionDays}d`,
      configuration: {
        destinationPath: `s3://${store.bucket}/${folder(args)}`,
        endpointURL: `https://${store.endpoint}${store.port === 443 ? "" : `:${store.port}`}`,
        ...(args.ownCa ? { endpointCA: reference(cnpgSecretKeys.ca) } : {}),
        s3Credentials: {
          accessKeyId: reference(cnpgSecretKeys.key),
          secretAccessKey: reference(cnpgSecretKeys.keySecret),
        },
        wal: { ...kept, maxParallel: 2 },
        data: { ...kept, immediateCheckpoint: true, jobs: 2 },
      },
      instanceSidecarConfiguration: {
        env: [
          // Newer SDKs send checksums that B2 and others do not take.
          ...["AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"].map((name) => ({
            name,
            value: "when_required",
          })),
          // Requests are signed for us-east-1 without it.
          { name: "AWS_DEFAULT_REGION", value: store.region },
        ],
      },
    },
  };
}

/** What is changed of a Cluster that others own: its plugins, and nothing else. */
export function clusterPatch({ cluster, namespace }: CnpgArgs) {
  return {
    apiVersion: "postgresql.cnpg.io/v1",
    kind: "Cluster",
    metadata: { name: cluster, namespace, annotations: { "pulumi.com/patchFieldManager": "restorable" } },
    spec: {
      plugins: [{ name: plugin, isWALArchiver: true, parameters: { barmanObjectName: objectStoreName(cluster) } }],
    },
  };
}

/** Base backups; the first one at once, for the archive alone restores nothing. */
export function scheduledBackup({ cluster, namespace, schedule }: CnpgArgs) {
  return {
    apiVersion: "postgresql.cnpg.io/v1",
    kind: "ScheduledBackup",
    metadata: { name: objectStoreName(cluster), namespace, labels: { ...managedBy } },
    spec: {
      schedule,
      immediate: true,
      backupOwnerReference: "self",
      cluster: { name: cluster },
      method: "plugin",
      pluginConfiguration: { name: plugin },
    },
  };
}

/** A new Cluster from the archive, beside the lost one: what to fill in is what only the operator knows. */
export function recoveryCluster(args: CnpgArgs) {
  const { cluster, namespace } = args;
  const source = `${cluster}-archive`;
  return {
    apiVersion: "postgresql.cnpg.io/v1",
    kind: "Cluster",
    metadata: { name: `${cluster}-recovered`, namespace },
    spec: {
      instances: 1,
      storage: { size: "10Gi" },
      bootstrap: { recovery: { source } },
      externalClusters: [
        {
          name: source,
          plugin: { name: plugin, parameters: { barmanObjectName: objectStoreName(cluster), serverName: cluster } },
        },
      ],
    },
  };
}
