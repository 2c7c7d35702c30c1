import { isPlaceholderSecret } from "./placeholders.js";
import { namespace, type Problem } from "./problems.js";

/** Secrets of a stack that does not generate them, each a key of its own: name, meaning, shortest length. */
export const secretKeys = {
  repo1CipherPass: { meaning: "Passphrase that encrypts repository 1. Lost, the backups are lost.", minLength: 20 },
  repo1Key: { meaning: "Access key of repository 1's store.", minLength: 3 },
  repo1KeySecret: { meaning: "Secret key of repository 1's store.", minLength: 8 },
  appPassword: { meaning: "Password of the application's role.", minLength: 20 },
  monitorPassword: { meaning: "Password of the data nodes at the monitor (autoctl_node).", minLength: 20 },
  replicationPassword: {
    meaning: "Password of replication, a superuser's (pgautofailover_replicator).",
    minLength: 20,
  },
  repo2CipherPass: {
    meaning: "Passphrase that encrypts repository 2, another one than repository 1's (with `offsite`).",
    minLength: 20,
  },
  offsiteWriterKey: { meaning: "Access key of the data nodes (`offsite.kind` existing).", minLength: 3 },
  offsiteWriterKeySecret: { meaning: "Its secret key.", minLength: 8 },
  offsiteReaderKey: { meaning: "Access key of the drill host, read-only (`offsite.kind` existing).", minLength: 3 },
  offsiteReaderKeySecret: { meaning: "Its secret key.", minLength: 8 },
  b2KeyId: { meaning: "Id of an account key that makes buckets and keys (`offsite.kind` b2).", minLength: 12 },
  b2Key: { meaning: "That account key.", minLength: 20 },
  exportsIdentity: {
    meaning: "age identity (AGE-SECRET-KEY-1...) that opens logical exports (with `offsite`); age-keygen makes one.",
    minLength: 60,
  },
  kubernetesIdentity: {
    meaning:
      "age identity (AGE-SECRET-KEY-1...) that opens the cluster's dumps (with `kubernetes.enabled`), another one than `exportsIdentity`.",
    minLength: 60,
  },
  kubernetesWriterKey: { meaning: "Access key of the dumps (`kubernetes.bucket`).", minLength: 3 },
  kubernetesWriterKeySecret: { meaning: "Its secret key.", minLength: 8 },
  kubernetesReaderKey: {
    meaning: "Access key of drill and verification, read-only (`kubernetes.bucket`).",
    minLength: 3,
  },
  kubernetesReaderKeySecret: { meaning: "Its secret key.", minLength: 8 },
} as const;

export type SecretName = keyof typeof secretKeys;
export const secretNames = Object.keys(secretKeys) as SecretName[];

/** What decides which secrets a stack has. */
export interface SecretShape {
  /** `offsite.kind`; undefined without `offsite`. */
  offsiteKind: unknown;
  /** Whether the stack makes the off-site store itself, and so its keys. */
  ownOffsiteStore: boolean;
  generateSecrets: boolean;
  /** Whether the stack works on a Kubernetes cluster. */
  cluster?: boolean;
  /** Whether the cluster's dumps have a bucket of their own. */
  clusterBucket?: boolean;
}

const always: SecretName[] = [
  "repo1CipherPass",
  "repo1Key",
  "repo1KeySecret",
  "appPassword",
  "monitorPassword",
  "replicationPassword",
];
const existingKeys: SecretName[] = [
  "offsiteWriterKey",
  "offsiteWriterKeySecret",
  "offsiteReaderKey",
  "offsiteReaderKeySecret",
];

const clusterKeys: SecretName[] = [
  "kubernetesWriterKey",
  "kubernetesWriterKeySecret",
  "kubernetesReaderKey",
  "kubernetesReaderKeySecret",
];

/** Secrets that this stack cannot do without, wherever they come from. */
export function neededSecrets({ offsiteKind, cluster, clusterBucket }: SecretShape): SecretName[] {
  return [
    ...always,
    ...(offsiteKind === undefined ? [] : (["repo2CipherPass", "exportsIdentity"] as const)),
    ...(offsiteKind === "existing" ? existingKeys : []),
    ...(offsiteKind === "b2" ? (["b2KeyId", "b2Key"] as const) : []),
    ...(cluster ? (["kubernetesIdentity"] as const) : []),
    ...(cluster && clusterBucket ? clusterKeys : []),
  ];
}

/** Those of them that are made as resources: none without `generateSecrets`, and no key of a store that others run. */
export function generatedSecrets(shape: SecretShape): SecretName[] {
  if (!shape.generateSecrets) return [];
  const foreign = new Set<SecretName>([
    "b2KeyId",
    "b2Key",
    ...clusterKeys,
    ...(shape.ownOffsiteStore ? [] : existingKeys),
  ]);
  return neededSecrets(shape).filter((name) => !foreign.has(name));
}

/** Those of them that the configuration holds. */
export function configuredSecrets(shape: SecretShape): SecretName[] {
  const generated = new Set(generatedSecrets(shape));
  return neededSecrets(shape).filter((name) => !generated.has(name));
}

export const sshPrivateKey = {
  name: "sshPrivateKey",
  meaning: "Private SSH key for all hosts, in OpenSSH or PEM form. Either this or `sshPrivateKeyFile`.",
} as const;

/** Values by name, {@link sshPrivateKey} among them. */
export type PlainSecrets = Partial<Record<string, string | undefined>>;

export interface SecretContext {
  environment: unknown;
  shape: SecretShape;
  /** Tells whether a key's value is stored encrypted; absent where that cannot be known. */
  isEncrypted?: ((name: string) => boolean) | undefined;
}

const howToSet = (name: string) => `set it with: pulumi config set --secret ${namespace}:${name}`;

/** All that is wrong with the secrets, without ever showing a part of one. */
export function secretProblems(secrets: PlainSecrets, context: SecretContext): Problem[] {
  const problems: Problem[] = [];
  for (const name of generatedSecrets(context.shape)) {
    const message = surplus(secrets[name] ?? "");
    if (message) problems.push({ path: [name], message });
  }
  for (const name of configuredSecrets(context.shape)) {
    const message = weakness(secrets[name] ?? "", secretKeys[name].minLength) ?? unfit(name, secrets);
    if (message) problems.push({ path: [name], message: `${message}; ${howToSet(name)}` });
  }
  const key = secrets[sshPrivateKey.name] ?? "";
  if (key.trim() !== "") {
    if (isPlaceholderSecret(key)) {
      problems.push({ path: [sshPrivateKey.name], message: `is still a placeholder; ${howToSetKey}` });
    } else if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----\s[\s\S]+-----END [A-Z ]*PRIVATE KEY-----\s*$/.test(key)) {
      problems.push({
        path: [sshPrivateKey.name],
        message: `is no private key in OpenSSH or PEM form; ${howToSetKey}`,
      });
    }
  }
  return [...problems, ...unencrypted(secrets, problems, context)];
}

const howToSetKey = `${howToSet(sshPrivateKey.name)} <KEYFILE`;

/** What makes a value unfit as a secret, if anything. */
function weakness(value: string, minLength: number): string | undefined {
  if (value.trim() === "") return "is missing or empty";
  if (isPlaceholderSecret(value)) return "is still a placeholder";
  // Configuration files and password files are read line by line, and their values trimmed.
  if (/\p{Cc}/u.test(value)) return "contains a line end or another control character";
  if (value !== value.trim()) return "begins or ends with white space";
  if (value.length < minLength) return `has fewer than ${minLength} characters`;
  return undefined;
}

/** What no length tells. */
function unfit(name: SecretName, secrets: PlainSecrets): string | undefined {
  const value = secrets[name];
  if (
    (name === "exportsIdentity" || name === "kubernetesIdentity") &&
    !/^AGE-SECRET-KEY-1[A-Z0-9]{58}$/.test(value ?? "")
  )
    return "is no age identity (AGE-SECRET-KEY-1...), as age-keygen makes it";
  if (name === "repo2CipherPass" && value === secrets.repo1CipherPass)
    return "is repository 1's passphrase too: who learns one would read both";
  if (name === "kubernetesIdentity" && value === secrets.exportsIdentity)
    return "is exportsIdentity too: it lies in the cluster, which must not open the formation's exports";
  if (name === "kubernetesReaderKey" && value === secrets.kubernetesWriterKey)
    return "is the writer's key: drill and verification may only read";
  if (name === "offsiteReaderKey" && value === secrets.offsiteWriterKey)
    return "is the writer's key: the drill host may only read";
  return undefined;
}

function surplus(value: string): string | undefined {
  return value === "" ? undefined : "is set, and generateSecrets makes one as well: remove one of the two";
}

/** In prod a secret must not stand in clear text in Pulumi.prod.yaml. */
function unencrypted(secrets: PlainSecrets, found: Problem[], context: SecretContext): Problem[] {
  const { environment, isEncrypted } = context;
  if (environment !== "prod" || !isEncrypted) return [];
  const reported = new Set(found.map(({ path }) => path[0]));
  return Object.entries(secrets)
    .filter(([name, value]) => value && !reported.has(name) && !isEncrypted(name))
    .map(([name]) => ({
      path: [name],
      message: `stands in the configuration unencrypted: take it as known to others, make a new one and ${howToSet(name)}`,
    }));
}
