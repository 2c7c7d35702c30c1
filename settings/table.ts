import { z } from "zod";
import { authoritySecret } from "./authority.js";
import { kubeconfigSecret } from "./kubernetesChecks.js";
import { schema } from "./schema.js";
import { secretKeys, secretNames, sshPrivateKey } from "./secrets.js";
import { webhookSecretNames, webhookSecrets } from "./webhooks.js";

interface Node {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  description?: string;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
}

const root = z.toJSONSchema(schema, { io: "input" }) as Node;

/** One key as the documents list it. */
export interface Row {
  /** For example `backup.repositories[].bucket`. */
  key: string;
  type: string;
  /** Written as in YAML; undefined when there is none. */
  default: string | undefined;
  required: boolean;
  meaning: string;
}

/** Keys that are known at a place of the configuration; numbers in the path are indexes of lists. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let node: Node | undefined = root;
  for (const part of path) node = typeof part === "number" ? node?.items : node?.properties?.[String(part)];
  return Object.keys(node?.properties ?? {});
}

/** Every single value of the schema, in its order, without secrets. */
export function rows(): Row[] {
  return walk(root, "");
}

function walk(node: Node, prefix: string): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, inner]) => {
    const key = prefix ? `${prefix}.${name}` : name;
    if (inner.properties) return walk(inner, key);
    if (inner.items?.properties) return walk(inner.items, `${key}[]`);
    return [
      {
        key,
        type: typeOf(inner),
        default: inner.default === undefined ? undefined : [inner.default].flat().join(", "),
        required: node.required?.includes(name) ?? false,
        meaning: inner.description ?? "",
      },
    ];
  });
}

function typeOf({ type = "", enum: values, const: value, items }: Node): string {
  if (values) return values.join(", ");
  if (value !== undefined) return String(value);
  return items ? `list of ${items.type}` : type;
}

const cell = (text: string) => text.replaceAll("|", "\\|");

/** The tables of docs/settings.md. */
export function settingsTable(): string {
  const plain = rows().map(({ key, type, required, meaning, ...row }) => {
    const standard = row.default === undefined ? (required ? "required" : "") : `\`${row.default}\``;
    return `| \`${key}\` | ${cell(type)} | ${cell(standard)} | ${cell(meaning)} |`;
  });
  const secret = secretNames.map((name) => {
    const { meaning, minLength } = secretKeys[name];
    return `| \`${name}\` | ${minLength} characters or more | ${meaning} |`;
  });
  return [
    "| key | type | default | meaning |",
    "|---|---|---|---|",
    ...plain,
    "",
    "| secret | length | meaning |",
    "|---|---|---|",
    ...secret,
    `| \`${sshPrivateKey.name}\` | OpenSSH or PEM | ${sshPrivateKey.meaning} |`,
    `| \`${authoritySecret.name}\` | PEM, optional | ${authoritySecret.meaning} |`,
    `| \`${kubeconfigSecret.name}\` | YAML, optional | ${kubeconfigSecret.meaning} |`,
    ...webhookSecretNames.map((name) => `| \`${name}\` | URL, optional | ${webhookSecrets[name].meaning} |`),
  ].join("\n");
}
