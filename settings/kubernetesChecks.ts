import { object } from "./draft.js";
import { cnpgSecretName, defaultDrillNamespace } from "./kubernetes.js";
import { keyOf, namespace, type Problem } from "./problems.js";

type Raw = Record<string, unknown>;
const list = (value: unknown): Raw[] => (Array.isArray(value) ? value.map(object) : []);

/** Secret of its own: a kubeconfig has many lines. */
export const kubeconfigSecret = {
  name: "kubeconfig",
  meaning: "kubeconfig of the cluster (with `kubernetes.enabled`). Either this or `kubernetes.kubeconfigFile`.",
} as const;

/** Whether the stack works on a cluster. */
export const usesCluster = (raw: { kubernetes?: unknown }): boolean => object(raw.kubernetes).enabled === true;

/** Checks of the cluster's settings against each other and against the rest. */
export function kubernetesChecks(raw: Raw): Problem[] {
  if (raw.kubernetes === undefined) return [];
  const kubernetes = object(raw.kubernetes);
  const databases = list(kubernetes.databases);
  const clusters = list(kubernetes.cnpg);
  return [
    ...(kubernetes.enabled === true ? places(raw, kubernetes) : []),
    ...databases.flatMap((database, index) => oneDatabase(["kubernetes", "databases", index], database)),
    ...repeated("databases", databases, "name", ({ name }) => name),
    ...repeated("databases", databases, "database", ({ namespace, service, cluster, database }) =>
      [namespace, service ?? cluster, database].every((part) => typeof part === "string")
        ? `${database} of ${service ?? cluster} in ${namespace}`
        : undefined,
    ),
    ...drillNamespace(kubernetes, [...databases, ...clusters]),
    // Each archive makes its Secret, and takes it away with itself.
    ...repeated("cnpg", clusters, "secretName", ({ namespace, secretName, enabled }) =>
      enabled === true && namespace ? `${secretName ?? cnpgSecretName} in ${namespace}` : undefined,
    ),
    ...repeated("cnpg", clusters, "cluster", ({ namespace, cluster }) => cluster && `${cluster} in ${namespace}`),
  ];
}

/** The stack makes the drill's namespace, and keeps live credentials out of it. */
function drillNamespace(kubernetes: Raw, sources: Raw[]): Problem[] {
  const own = object(kubernetes.drill).namespace ?? defaultDrillNamespace;
  if (!sources.some(({ namespace }) => namespace === own)) return [];
  return [
    {
      path: ["kubernetes", "drill", "namespace"],
      message: `"${own}" is that of a database: the drill needs one of its own, without a live credential in it`,
    },
  ];
}

/** Where backups and metrics go. */
function places(raw: Raw, kubernetes: Raw): Problem[] {
  const problems: Problem[] = [];
  if (raw.offsite === undefined && kubernetes.bucket === undefined)
    problems.push({
      path: ["kubernetes", "bucket"],
      message: "is missing: without offsite the dumps have no place. Set one of the two",
    });
  if (raw.monitoring === undefined && kubernetes.pushgatewayUrl === undefined)
    problems.push({
      path: ["kubernetes", "pushgatewayUrl"],
      message: "is missing: without monitoring the jobs have nobody to report to. Set one of the two",
    });
  const prefix = kubernetes.prefix ?? "kubernetes";
  const taken = ["exports", String(object(raw.offsite).path ?? "/pgbackrest").split("/")[1]];
  if (kubernetes.bucket === undefined && raw.offsite !== undefined && taken.includes(String(prefix)))
    problems.push({
      path: ["kubernetes", "prefix"],
      message: `"${prefix}" is taken in the off-site bucket, by exports or repository 2: choose another folder`,
    });
  return problems;
}

function oneDatabase(path: PropertyKey[], database: Raw): Problem[] {
  const problems: Problem[] = [];
  const given = ["service", "cluster"].filter((key) => database[key] !== undefined);
  if (given.length !== 1)
    problems.push({
      path: [...path, "service"],
      message:
        given.length === 0
          ? "is missing: name the Service of the database here, or its CNPG cluster in cluster"
          : "is set beside cluster: remove one of the two",
    });
  if (database.cluster === undefined && object(database.passwordSecret).name === undefined)
    problems.push({
      path: [...path, "passwordSecret", "name"],
      message: "is missing: with service, name the Secret that holds user and password",
    });
  if (String(database.sslMode ?? "").startsWith("verify") && database.caSecret === undefined)
    problems.push({
      path: [...path, "caSecret"],
      message: `is missing: sslMode ${database.sslMode} verifies against it`,
    });
  return problems;
}

/** Reports every entry whose value an earlier one has already. */
function repeated(key: string, entries: Raw[], field: string, value: (entry: Raw) => unknown): Problem[] {
  const seen = new Map<unknown, number>();
  return entries.flatMap((entry, index) => {
    const current = value(entry);
    if (current === undefined) return [];
    const first = seen.get(current);
    if (first === undefined) {
      seen.set(current, index);
      return [];
    }
    const message = `"${current}" is taken by ${keyOf(["kubernetes", key, first])}`;
    return [{ path: ["kubernetes", key, index, field], message }];
  });
}

/** What is wrong with the kubeconfig, without showing a part of it. */
export function kubeconfigProblems(raw: Raw, secrets: Partial<Record<string, string | undefined>>): Problem[] {
  const value = (secrets[kubeconfigSecret.name] ?? "").trim();
  const file = object(raw.kubernetes).kubeconfigFile !== undefined;
  const howToSet = `set it with: pulumi config set --secret ${namespace}:${kubeconfigSecret.name} <FILE`;
  const path = [kubeconfigSecret.name];
  if (value === "" && !file)
    return usesCluster(raw)
      ? [{ path, message: `is missing: ${howToSet}, or name a file in kubernetes.kubeconfigFile` }]
      : [];
  if (value !== "" && file)
    return [{ path, message: "is set beside kubernetes.kubeconfigFile: remove one of the two" }];
  if (value !== "" && !isKubeconfig(value)) return [{ path, message: `is no kubeconfig; ${howToSet}` }];
  return [];
}

/** Whether a text may be a kubeconfig: it names clusters and users. */
export const isKubeconfig = (text: string): boolean => /\bclusters["']?:/.test(text) && /\busers["']?:/.test(text);
