/**
 * Fields that no server changes in place: a change of them needs a new object. Of other kinds the server's refusal
 * tells.
 */
const FIELDS = {
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/ReplicaSet": ["spec.selector"],
  "apps/StatefulSet": ["spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"],
  "batch/Job": ["spec.completionMode", "spec.completions", "spec.selector", "spec.template"],
  "core/PersistentVolumeClaim": [
    ...["spec.accessModes", "spec.dataSource", "spec.selector", "spec.storageClassName"],
    ...["spec.volumeMode", "spec.volumeName"],
  ],
  "core/Secret": ["type"],
  "core/Service": ["spec.clusterIP"],
  "policy/PodDisruptionBudget": ["spec.selector"],
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "scheduling.k8s.io/PriorityClass": ["preemptionPolicy", "value"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
};

/** Replaced by the official plugin with each change of their content, unless a provider setting says otherwise. */
const CONTENT = ["binaryData", "data", "stringData"];

const under = (path, field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);

/**
 * Whether a change at a path needs a new object.
 * @param {{ apiVersion: string, kind: string }} object
 * @param {Record<string, string | undefined>} settings of the provider
 */
export function needsNew({ apiVersion, kind }, path, settings) {
  if (["kind", "metadata.name", "metadata.namespace"].some((field) => under(path, field))) return true;
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "core";
  const kept =
    (kind === "ConfigMap" && settings.enableConfigMapMutable !== "true") ||
    (kind === "Secret" && settings.enableSecretMutable !== "true");
  if (group === "core" && kept && CONTENT.some((field) => under(path, field))) return true;
  return (FIELDS[`${group}/${kind}`] ?? []).some((field) => under(path, field));
}

/** Whether the server refuses a change because of what it is, not because it is wrong. */
export const isImmutable = ({ status, message, causes }) =>
  status === 422 &&
  [message, ...causes.map((cause) => cause.message ?? "")].some((text) =>
    /immutable|updates to .* are forbidden|may not change once set/i.test(text),
  );
