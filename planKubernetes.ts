import type { ExportStore } from "./render/exports.js";
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
export type KubernetesSettings = Pick<Settings, "kubernetes" | "offsite" | "offsiteStore" | "monitoring" | "metrics">;

/** Part of `plan` for the cluster; undefined without one. */
export function planKubernetes(settings: KubernetesSettings): KubernetesPlan | undefined {
  const { kubernetes, offsite, offsiteStore, monitoring, metrics } = settings;
  const store = kubernetes?.bucket ?? offsite;
  if (!kubernetes?.enabled || !store) return undefined;
  const { prefix, image, runAsUser, deadlineSeconds, memory, databases, retentionDays, drill } = kubernetes;
  const pushgatewayUrl =
    kubernetes.pushgatewayUrl ?? (monitoring ? `http://${monitoring.address}:${ports.pushgateway}` : "");
  const ownCa = offsiteStore !== undefined && offsiteStore.address === store.endpoint;
  const place = placeOf(store);
  const { endpoint, port, bucket } = place;
  const cnpg = archives(settings, true);
  return {
    jobs: {
      ...{ image, runAsUser, deadlineSeconds, memory, pushgatewayUrl },
      root: `exports:${bucket}/${prefix}`,
      metricsPrefix: metrics.prefix,
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
    store: place,
    targets: [{ host: endpoint, port }, targetOf(pushgatewayUrl)],
    ownCa,
    offsite: kubernetes.bucket === undefined,
    recipients: kubernetes.recipients,
  };
}

const placeOf = ({ endpoint, port, bucket, region, uriStyle }: ExportStore): ExportStore => ({
  ...{ endpoint, port, bucket, region, uriStyle },
});

/** Archives of CNPG clusters that the settings describe. @param enabled only those that are switched on */
export function archives({ kubernetes, offsite, offsiteStore }: KubernetesSettings, enabled = false): CnpgArgs[] {
  const store = kubernetes?.bucket ?? offsite;
  if (!kubernetes || !store) return [];
  const ownCa = offsiteStore !== undefined && offsiteStore.address === store.endpoint;
  return kubernetes.cnpg
    .filter((cluster) => cluster.enabled || !enabled)
    .map(({ enabled: _, ...cluster }) => ({ ...cluster, store: placeOf(store), prefix: kubernetes.prefix, ownCa }));
}
