import { type CronJobArgs, cronJob, managedBy } from "./pods.js";

/** Where the jobs of a cluster find bucket and Pushgateway, and as whom they run. */
export interface ClusterJobsArgs {
  readonly image: string;
  readonly runAsUser: number;
  /** Bucket and prefix, as rclone names them. */
  readonly root: string;
  readonly pushgatewayUrl: string;
  readonly metricsPrefix: string;
  /** Label `stanza` of what the jobs report: whose they are. */
  readonly stanza: string;
  readonly deadlineSeconds: number;
  readonly memory: string;
}

/** One database to dump. */
export interface DumpArgs {
  readonly name: string;
  readonly namespace: string;
  /** Name of Service or CNPG cluster: label `source`. */
  readonly source: string;
  readonly service: string;
  readonly port: number;
  readonly database: string;
  readonly passwordSecret: { readonly name: string; readonly userKey: string; readonly passwordKey: string };
  readonly caSecret?: { readonly name: string; readonly key: string };
  readonly sslMode: string;
  readonly major: number;
  readonly floor?: { readonly query: string; readonly minimum: number };
  readonly schedule: string;
}

export interface DrillJobArgs {
  readonly namespace: string;
  readonly schedule: string;
  readonly image: string;
  readonly size: string;
  readonly inMemory: boolean;
  readonly memory: string;
  readonly deadlineSeconds: number;
}

/** Label of the pods, by which network policies find them. */
export const apps = {
  dump: "restorable-dump",
  bucket: "restorable-bucket",
  inventory: "restorable-inventory",
} as const;
/** Secrets of the drill's namespace: verification has the reader's key alone. */
export const drillSecrets = { reader: "restorable-reader", identity: "restorable-identity" } as const;
export const jobNames = {
  verify: "cnpg-backup-verify",
  drill: "restorable-drill",
  inventory: "restorable-inventory",
} as const;

const shared = ["metrics/textfile.sh", "kubernetes/pod.sh", "export/store.sh", "export/upload.sh"];
/** Scripts of each namespace's ConfigMap. */
export const dumpScripts = [...shared, "export/dump.sh", "export/one.sh", "kubernetes/dump.sh"];
export const bucketScripts = [
  ...shared,
  ...["export/inside.sh", "restore/properties.sh", "drill/depth.sh"],
  ...["kubernetes/backups.sh", "kubernetes/verify.sh", "kubernetes/drill.sh"],
];

export const inventoryScripts = ["metrics/textfile.sh", "coverage/kubernetes-inventory.sh"];

const requests = { cpu: "100m", memory: "128Mi" };

const reporting = ({ root, pushgatewayUrl, metricsPrefix, stanza }: ClusterJobsArgs) => ({
  EXPORTS_ROOT: root,
  STANZA: stanza,
  PUSHGATEWAY_URL: pushgatewayUrl,
  METRICS_PREFIX: metricsPrefix,
});

/** CronJob that dumps one database, in the database's own namespace: its password is there. */
export function dumpJob(args: ClusterJobsArgs, dump: DumpArgs, secretName: string, retentionDays: number) {
  const { passwordSecret, caSecret, floor } = dump;
  const ca = caSecret && { ca: { name: caSecret.name, items: { "ca.crt": caSecret.key } } };
  const job: CronJobArgs = {
    ...args,
    name: `restorable-dump-${dump.name}`,
    namespace: dump.namespace,
    schedule: dump.schedule,
    app: apps.dump,
    script: "kubernetes/dump.sh",
    scripts: dumpScripts,
    final: [2],
    requests,
    memoryLimit: args.memory,
    // Dumps are streamed: no more than row counts, roles and a password file come to lie here.
    work: { size: "64Mi", inMemory: true },
    secrets: {
      store: { name: secretName, items: { "rclone.conf": "rclone.conf" } },
      database: {
        name: passwordSecret.name,
        items: { username: passwordSecret.userKey, password: passwordSecret.passwordKey },
      },
      ...ca,
    },
    env: {
      ...reporting(args),
      NAME: dump.name,
      NAMESPACE: dump.namespace,
      SOURCE: dump.source,
      DATABASE: dump.database,
      PGHOST: `${dump.service}.${dump.namespace}.svc`,
      PGPORT: String(dump.port),
      PGSSLMODE: dump.sslMode,
      ...(ca ? { PGSSLROOTCERT: "/etc/restorable/ca/ca.crt" } : {}),
      MAJOR: String(dump.major),
      RETENTION_DAYS: String(retentionDays),
      ...(floor ? { FLOOR_QUERY: floor.query, FLOOR_MINIMUM: String(floor.minimum) } : {}),
    },
  };
  return cronJob(job);
}

/** cnpg_backup_verify: looks at the destination. */
export function verifyJob(args: ClusterJobsArgs, namespace: string, schedule: string, maxAgeHours: number) {
  return cronJob({
    ...args,
    name: jobNames.verify,
    namespace,
    schedule,
    app: apps.bucket,
    script: "kubernetes/verify.sh",
    scripts: bucketScripts,
    final: [1, 2],
    requests,
    memoryLimit: args.memory,
    work: { size: "64Mi", inMemory: true },
    secrets: { store: { name: drillSecrets.reader } },
    env: { ...reporting(args), MAX_AGE_HOURS: String(maxAgeHours) },
  });
}

/** The restore drill: a Postgres of its own in the job's pod. */
export function drillJob(args: ClusterJobsArgs, drill: DrillJobArgs) {
  return cronJob({
    ...args,
    name: jobNames.drill,
    namespace: drill.namespace,
    schedule: drill.schedule,
    image: drill.image,
    deadlineSeconds: drill.deadlineSeconds,
    app: apps.bucket,
    script: "kubernetes/drill.sh",
    scripts: bucketScripts,
    final: [1, 2],
    requests: { cpu: "250m", memory: "512Mi" },
    memoryLimit: drill.memory,
    work: { size: drill.size, inMemory: drill.inMemory },
    secrets: { store: { name: drillSecrets.reader }, identity: { name: drillSecrets.identity } },
    env: reporting(args),
  });
}

/** What lives in the cluster, for the coverage ledger: the only job that talks to the API, and it may only list. */
export function inventoryJob(args: ClusterJobsArgs, namespace: string) {
  return cronJob({
    ...args,
    name: jobNames.inventory,
    namespace,
    // Each hour, beside the ledger's own minute.
    schedule: "7 * * * *",
    app: apps.inventory,
    script: "coverage/kubernetes-inventory.sh",
    scripts: inventoryScripts,
    final: [2],
    requests,
    memoryLimit: args.memory,
    work: { size: "64Mi", inMemory: true },
    secrets: {},
    serviceAccount: jobNames.inventory,
    env: { PUSHGATEWAY_URL: args.pushgatewayUrl, STANZA: args.stanza },
  });
}

/** Service account of the inventory, and what it may do: list servers and claims of all namespaces, no Secret. */
export function inventoryAccount(namespace: string) {
  const labels = { ...managedBy };
  // Of the whole cluster: another stack's has another namespace.
  const role = { name: `${namespace}-inventory`, labels };
  return {
    account: { metadata: { name: jobNames.inventory, namespace, labels } },
    role: {
      metadata: role,
      rules: [{ apiGroups: [""], resources: ["pods", "services", "persistentvolumeclaims"], verbs: ["list"] }],
    },
    binding: {
      metadata: role,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.name },
      subjects: [{ kind: "ServiceAccount", name: jobNames.inventory, namespace }],
    },
  };
}

export interface BackupsArgs {
  readonly databases: readonly DumpArgs[];
  /** CNPG clusters whose archive is in the bucket, each with its folder as rclone names it. */
  readonly cnpg: readonly { readonly cluster: string; readonly namespace: string; readonly root: string }[];
}

/** `backups.json`: which backups drill and verification look for. */
export function backupsJson({ databases, cnpg }: BackupsArgs): string {
  const all = {
    databases: databases.map(({ name, namespace, source, database, major, floor }) => ({
      ...{ name, namespace, source, database, major },
      ...floor,
    })),
    cnpg: cnpg.map(({ cluster, namespace, root }) => ({
      ...{ name: cluster, namespace, source: cluster, database: "@cnpg", root },
    })),
  };
  return `${JSON.stringify(all, undefined, 2)}\n`;
}
