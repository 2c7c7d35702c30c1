import { besideRepository, type ExportStore } from "./render/exports.js";
import { type CnpgArgs, cnpgRoot } from "./render/kubernetes/cnpg.js";
import type { BackupsArgs, ClusterJobsArgs, DrillJobArgs, DumpArgs } from "./render/kubernetes/jobs.js";
import { type Target, targetOf } from "./render/kubernetes/networkPolicy.js";
import { ports } from "./render/prometheusConf.js";
import type { Settings } from "./settings/complete.js";

/** What the settings say about a cluster's backups, as renderers and components want it. */
export interface KubernetesPlan {
  jobs: ClusterJobsArgs;
  dumps: DumpArgs[];
  retentionDays: number;
  /** Secret with the writer's key, in each database's namespace. */
  secretName: string;
  drill: DrillJobArgs;
  verify: { schedule: string; maxAgeHours: number };
  backups: BackupsArgs;
  cnpg: CnpgArgs[];
  store: ExportStore;
  /** Folder in the bucket, without a slash at its start. */
  folder: string;
  /** What the jobs reach outside the cluster. */
  targets: Target[];
  /** Whether the store's certificate is signed by the stack's own authority. */
  ownCa: boolean;
  /** Whether the off-site bucket of the stack is used, with its keys. */
  offsite: boolean;
  /** age recipients beside that of the stack's identity. */
  recipients: readonly string[];
}

/** What of the settings is about the cluster. */
export type KubernetesSettings = Pick<
  Settings,
  "kubernetes" | "offsite" | "offsiteStore" | "monitoring" | "metrics"
> & {
  readonly backup: Pick<Settings["backup"], "stanza">;
};

/** Part of `plan` for the cluster; undefined without one. */
export function planKubernetes(settings: KubernetesSettings): KubernetesPlan | undefined {
  const { kubernetes, monitoring, metrics, backup } = settings;
  const to = destination(settings);
  if (!kubernetes?.enabled || !to) return undefined;
  const { store, folder, ownCa } = to;
  const { image, runAsUser, deadlineSeconds, memory, databases, retentionDays, drill } = kubernetes;
  const pushgatewayUrl =
    kubernetes.pushgatewayUrl ?? (monitoring ? `http://${monitoring.address}:${ports.pushgateway}` : "");
  const { endpoint, port, bucket } = store;
  const cnpg = archives(settings, true);
  return {
    jobs: {
      ...{ image, runAsUser, deadlineSeconds, memory, pushgatewayUrl },
      root: `exports:${bucket}/${folder}`,
      metricsPrefix: metrics.prefix,
      stanza: backup.stanza,
    },
    dumps: databases,
    retentionDays,
    secretName: kubernetes.secretName,
    drill: { ...drill, image: drill.image ?? image },
    verify: { schedule: kubernetes.verifySchedule, maxAgeHours: kubernetes.maxAgeHours },
    backups: {
      databases,
      cnpg: cnpg.map((args) => ({ cluster: args.cluster, namespace: args.namespace, root: cnpgRoot(args) })),
    },
    cnpg,
    store,
    folder,
    targets: [{ host: endpoint, port }, targetOf(pushgatewayUrl)],
    ownCa,
    offsite: kubernetes.bucket === undefined,
    recipients: kubernetes.recipients,
  };
}

/** The bucket and the folder in it: beside the repository where it is the stack's own off-site bucket. */
function destination({ kubernetes, offsite, offsiteStore }: KubernetesSettings) {
  const chosen = kubernetes?.bucket ? { ...kubernetes.bucket, path: "/" } : offsite;
  if (!kubernetes || !chosen) return undefined;
  const { endpoint, port, bucket, path, region, uriStyle } = chosen;
  return {
    store: { endpoint, port, bucket, path, region, uriStyle } satisfies ExportStore,
    folder: besideRepository(path, kubernetes.prefix).slice(1),
    ownCa: offsiteStore !== undefined && offsiteStore.address === endpoint,
  };
}

/** Archives of CNPG clusters that the settings describe. @param enabled only those that are switched on */
export function archives(settings: KubernetesSettings, enabled = false): CnpgArgs[] {
  const to = destination(settings);
  if (!to) return [];
  return (settings.kubernetes?.cnpg ?? [])
    .filter((cluster) => cluster.enabled || !enabled)
    .map(({ enabled: _, ...cluster }) => ({ ...cluster, store: to.store, prefix: to.folder, ownCa: to.ownCa }));
}
