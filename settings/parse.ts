import { authorityProblems, authoritySecret } from "./authority.js";
import { complete, type Settings } from "./complete.js";
import { crossChecks } from "./crossChecks.js";
import { object } from "./draft.js";
import { kubeconfigProblems, kubeconfigSecret, usesCluster } from "./kubernetesChecks.js";
import { documentationAddresses, placeholders, withoutKeys } from "./openValues.js";
import { keyOf, type Problem, SettingsError } from "./problems.js";
import { refusedKeys } from "./refusedKeys.js";
import { schema } from "./schema.js";
import { issueProblems } from "./schemaIssues.js";
import { type PlainSecrets, type SecretShape, secretNames, secretProblems, sshPrivateKey } from "./secrets.js";
import { redact } from "./show.js";
import { keysAt } from "./table.js";
import { webhookProblems, webhookSecretNames } from "./webhooks.js";

export interface ParseOptions {
  /** Stack that errors name. */
  stack?: string;
  /** Tells whether a key is stored encrypted. What is encrypted is not shown in errors either. */
  isEncrypted?: (name: string) => boolean;
}

type Raw = Record<string, unknown>;

/**
 * Validates a configuration together with its secrets; reads no file and knows no stack.
 *
 * @param raw every plain key with its value; `undefined` counts as absent
 * @param secrets the secrets, `sshPrivateKey` and webhooks; an empty text counts as absent
 * @throws SettingsError that names every problem at once and shows no secret
 */
export function parseSettings(raw: Raw, secrets: PlainSecrets, options: ParseOptions = {}): Settings {
  const { environment } = raw;
  const hidden = Object.values(secrets).filter((value) => value !== undefined);
  const parsed = schema.safeParse(raw);
  const problems = [
    ...placeholders(raw, hidden),
    ...(environment === "prod" ? documentationAddresses(raw) : []),
    ...refusedKeys(raw),
    ...(parsed.success ? [] : issueProblems(parsed.error, raw, hidden, options.isEncrypted)),
    ...crossChecks(raw),
    ...sshKeyChoice(raw, secrets),
    ...webhookProblems(raw, secrets),
    ...authorityProblems(secrets[authoritySecret.name]),
    ...kubeconfigProblems(raw, secrets),
    ...secretProblems(secrets, { environment, shape: secretShape(raw), isEncrypted: options.isEncrypted }),
  ];
  if (problems.length === 0 && parsed.success) return complete(parsed.data);
  throw new SettingsError(withoutSecrets(firstOfEach(problems), hidden, options), options.stack);
}

/** Which secrets a configuration asks for, raw or complete. */
export function secretShape(settings: {
  offsite?: unknown;
  offsiteStore?: unknown;
  generateSecrets?: unknown;
  kubernetes?: unknown;
}): SecretShape {
  const { offsite, offsiteStore, generateSecrets, kubernetes } = settings;
  return {
    offsiteKind: offsite === undefined ? undefined : (object(offsite).kind ?? ""),
    ownOffsiteStore: offsiteStore !== undefined,
    generateSecrets: generateSecrets === true,
    cluster: usesCluster(settings),
    clusterBucket: object(kubernetes).bucket !== undefined,
  };
}

/**
 * Validates what is not secret, for what is only rendered: needs no secret and no file, accepts the addresses of
 * examples, and takes optional values that are still placeholders, host keys above all, as absent.
 *
 * @throws SettingsError that names every problem at once
 */
export function parsePlainSettings(raw: Raw, options: ParseOptions = {}): Settings {
  const open = placeholders(raw, []);
  const keys = new Set(open.map(({ path }) => keyOf(path)));
  const parsed = schema.safeParse(withoutKeys(raw, keys));
  if (parsed.success) {
    const problems = crossChecks(raw);
    if (problems.length > 0) throw new SettingsError(firstOfEach(problems), options.stack);
    return complete(parsed.data);
  }
  const problems = [
    ...open,
    ...refusedKeys(raw),
    ...issueProblems(parsed.error, raw, [], options.isEncrypted),
    ...crossChecks(raw),
  ];
  throw new SettingsError(firstOfEach(problems), options.stack);
}

const order = [
  ...keysAt([]),
  sshPrivateKey.name,
  ...secretNames,
  authoritySecret.name,
  kubeconfigSecret.name,
  ...webhookSecretNames,
];

/** The first problem of a key is the most specific one: a placeholder, say, is also a malformed value. */
function firstOfEach(problems: Problem[]): Problem[] {
  const first = new Map<string, Problem>();
  for (const problem of problems) {
    const key = keyOf(problem.path);
    if (!first.has(key)) first.set(key, problem);
  }
  const position = ({ path }: Problem) => (order.indexOf(String(path[0])) + order.length + 1) % (order.length + 1);
  return [...first.values()].sort((a, b) => position(a) - position(b));
}

/** Messages quote values of other keys too: what is secret is taken out of all of them. */
function withoutSecrets(problems: Problem[], hidden: string[], { isEncrypted = () => false }: ParseOptions): Problem[] {
  const known = new Set<string>([
    ...secretNames,
    ...webhookSecretNames,
    sshPrivateKey.name,
    authoritySecret.name,
    kubeconfigSecret.name,
  ]);
  return problems.map(({ path, message }) => {
    const top = String(path[0]);
    const quoted = !known.has(top) && isEncrypted(top) ? message.replaceAll(/"[^"]*"/g, "[secret]") : message;
    return {
      path: path.map((part) => (typeof part === "string" ? redact(part, hidden) : part)),
      message: redact(quoted, hidden),
    };
  });
}

function sshKeyChoice(raw: Raw, secrets: PlainSecrets): Problem[] {
  const text = (secrets[sshPrivateKey.name] ?? "").trim() !== "";
  const file = raw.sshPrivateKeyFile !== undefined;
  if (text !== file) return [];
  const message = text
    ? "is set beside sshPrivateKeyFile: remove one of the two"
    : "is missing: set it with pulumi config set --secret restorable:sshPrivateKey <KEYFILE, or name a file in sshPrivateKeyFile";
  return [{ path: [sshPrivateKey.name], message }];
}
