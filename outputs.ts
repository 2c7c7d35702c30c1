import { z } from "zod";
import { ports } from "./render/prometheusConf.js";
import type { Settings } from "./settings/complete.js";

/** What `pulumi stack output` shows in the place of a secret. */
const masked = "[secret]";

const count = () => z.int().positive();

const node = z.object({
  name: z.string().describe("Name of the data node in the formation."),
  host: z.string().describe("Incus host it runs on, by its name in the settings."),
  address: z.ipv4().describe("Its address; Postgres listens on port 5432."),
  container: z.string().describe("Name of its container in the host's Incus project."),
});

const repository = z.object({
  number: count().describe("pgBackRest's repository number."),
  endpoint: z.url({ protocol: /^https$/ }).describe("S3 endpoint: scheme, host and port."),
  bucket: z.string().describe("Bucket."),
  path: z.string().startsWith("/").describe("Path of the repository in the bucket."),
  region: z.string().describe("S3 region."),
  retention: z
    .object({
      full: count().optional().describe("Full backups that are kept. Absent where backups are kept by time."),
      diff: count().optional().describe("Differential backups that are kept. Absent where backups are kept by time."),
      archive: count().optional().describe("Full backups whose WAL is kept. Absent where backups are kept by time."),
      days: count().optional().describe("Days that backups are kept, with all WAL that they need. Absent by number."),
    })
    .describe("What is kept: `full`, `diff` and `archive`, or `days`."),
});

/** The stack's outputs, a contract with other stacks: names and meanings stay. */
export const outputsSchema = z.object({
  formationUri: z
    .string()
    .refine(
      (uri) => uri === masked || (/^postgres:\/\/[^@]+@\S+$/.test(uri) && verifiedReadWrite(uri)),
      "a postgres:// URI with target_session_attrs=read-write and sslmode=verify-full",
    )
    .describe(
      "Secret. Connection URI of the application with its password: every data node, the writable one is taken, its certificate verified. libpq needs `caCertificate` in a file: append `&sslrootcert=FILE`.",
    ),
  caCertificate: z
    .string()
    .regex(/^-----BEGIN CERTIFICATE-----\s[\s\S]+-----END CERTIFICATE-----\s*$/, "a certificate as PEM")
    .describe("Certificate of the stack's own authority, PEM. It signs the certificates of all nodes."),
  monitorAddress: z.ipv4().describe("Address of pg_auto_failover's monitor."),
  nodes: z.array(node).min(2).describe("Data nodes; the first one was the first primary."),
  stanza: z.string().describe("pgBackRest stanza."),
  repositories: z.array(repository).min(1).describe("Backup repositories, without their secrets."),
  metricsDirectory: z
    .string()
    .startsWith("/")
    .describe("Folder of node_exporter's textfile collector on the hosts; the drill writes its metrics there."),
  alertRulesPath: z
    .string()
    .startsWith("/")
    .describe(
      "Rule file for Prometheus: in the monitoring container, on the Prometheus host, or else on the drill host.",
    ),
  drillHost: z
    .object({
      name: z.string().describe("Name in the settings."),
      address: z.ipv4().describe("Address that SSH reaches it on."),
    })
    .describe("Incus host that the restore drill runs on."),
  prometheusUrl: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe("Prometheus of the stack's own. Absent without one."),
  alertmanagerUrl: z
    .url({ protocol: /^http$/ })
    .optional()
    .describe("Alertmanager of the stack's own. Absent without one."),
});

export type Outputs = z.output<typeof outputsSchema>;

/**
 * Checks what `pulumi stack output --json` printed, with or without `--show-secrets`. What is not part of the contract
 * is left out.
 *
 * @throws Error that names each wrong output, and shows no value
 */
export function parseOutputs(json: string): Outputs {
  const parsed = outputsSchema.safeParse(JSON.parse(json));
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => `  ${path.map(String).join(".")}: ${message}`);
  throw new Error(`these are no outputs of a restorable stack:\n${lines.join("\n")}`);
}

/** The outputs that the settings alone decide. */
export function plainOutputs(settings: Settings): Omit<Outputs, "formationUri" | "caCertificate"> {
  const { formation, backup, metrics, alerts, drill, hosts, monitoring, prometheus } = settings;
  const drilling = hosts.find(({ name }) => name === drill.host);
  if (!drilling) throw new Error(`drill.host ${drill.host} is none of the hosts`);
  return {
    monitorAddress: formation.monitor.address,
    nodes: formation.nodes.map(({ name, host, address }) => ({ name, host, address, container: name })),
    stanza: backup.stanza,
    repositories: backup.repositories.map(
      ({ number, endpoint, port, bucket, path, region, retention: { type: _, ...retention } }) => ({
        number,
        endpoint: `https://${endpoint}:${port}`,
        bucket,
        path,
        region,
        retention,
      }),
    ),
    metricsDirectory: metrics.directory,
    alertRulesPath: prometheus?.rulesPath ?? alerts.rulesPath,
    drillHost: { name: drilling.name, address: drilling.address },
    prometheusUrl: monitoring && `http://${monitoring.address}:${ports.prometheus}`,
    alertmanagerUrl: monitoring && `http://${monitoring.address}:${ports.alertmanager}`,
  };
}

/** Multi-host URIs are more than `URL` can parse. */
function verifiedReadWrite(uri: string): boolean {
  const query = new URLSearchParams(uri.split("?")[1]);
  return query.get("target_session_attrs") === "read-write" && query.get("sslmode") === "verify-full";
}
