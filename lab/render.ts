import { readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { plan } from "../plan.js";
import { archives } from "../planKubernetes.js";
import { planMonitoring } from "../planMonitoring.js";
import { renderAlertmanagerConf } from "../render/alertmanagerConf.js";
import { renderAlertRules } from "../render/alertRules.js";
import { backupNodeUnits, nodeConf, postgresNodeUnits } from "../render/backupFiles.js";
import { renderDashboard } from "../render/dashboard/dashboard.js";
import { recoveryCluster } from "../render/kubernetes/cnpg.js";
import { renderPrometheusConf, renderScrapeFile } from "../render/prometheusConf.js";
import { mebibytes } from "../render/size.js";
import { authoritySecret } from "../settings/authority.js";
import type { Settings } from "../settings/complete.js";
import { kubeconfigSecret } from "../settings/kubernetesChecks.js";
import { parsePlainSettings } from "../settings/parse.js";
import { secretNames, sshPrivateKey } from "../settings/secrets.js";
import { readConfigFile, readStackFile } from "../settings/stackFile.js";
import { configuredReceivers, webhookSecretNames } from "../settings/webhooks.js";

const help = `Usage: npm run --silent render -- WHAT --stack STACK [OPTIONS]

Prints what a stack's settings put on hosts and into containers. Touches no host and needs no secret.

  alerts            rule file for Prometheus (alerts.rulesPath, prometheus.rulesPath)
  alertmanager.yml  routes, receivers and inhibition of Alertmanager
  dashboard         Grafana dashboard, JSON to import
  prometheus.yml    configuration of the stack's own Prometheus; with \`prometheus\`, or neither, its scrape jobs alone
  cnpg-recovery     Cluster that restores a CNPG cluster from its archive (kubernetes.cnpg), YAML for kubectl
  pgbackrest.conf   /etc/pgbackrest/pgbackrest.conf of a data node
  units             systemd units of data nodes and drill host: one YAML map of path to content

  --stack STACK         settings in Pulumi.STACK.yaml
  --config-file FILE    settings in FILE
  --node NAME           of this data node, or CNPG cluster (default: the first one)
  --help                this text

Exit codes: 0 printed, 1 the settings are wrong, 64 wrong arguments.`;

/** Wrong arguments: exit code 64. */
class UsageError extends Error {}

/** Each step's here-string ends the file with a line end of its own. */
const asInstalled = (text: string) => `${text}\n`;

interface Rendered {
  settings: Settings;
  node: string | undefined;
  stack: string;
  /** Names of the secrets that are set. */
  secrets: string[];
}

const monitoring = ({ settings, stack, secrets }: Rendered) =>
  planMonitoring(settings, `restorable-${stack}`, configuredReceivers(settings, secrets));

const renderers: Record<string, (rendered: Rendered) => string> = {
  alerts: ({ settings }) => asInstalled(renderAlertRules(plan(settings).alertRules)),
  "alertmanager.yml": (rendered) => renderAlertmanagerConf(monitoring(rendered).alertmanager),
  dashboard: ({ settings }) => asInstalled(renderDashboard(plan(settings).dashboard)),
  "prometheus.yml": (rendered) => {
    const { prometheus, scrape } = monitoring(rendered);
    return prometheus ? renderPrometheusConf(prometheus) : renderScrapeFile(scrape);
  },
  "pgbackrest.conf": ({ settings, node: name }) => {
    const { nodes } = settings.formation;
    const node = name === undefined ? nodes[0] : nodes.find((it) => it.name === name);
    if (!node) throw new UsageError(`--node ${name}: the data nodes are ${nodes.map((it) => it.name).join(", ")}`);
    return asInstalled(nodeConf(plan(settings).backup, node.cpu, mebibytes(node.dataSize)));
  },
  "cnpg-recovery": ({ settings, node: name }) => {
    const all = archives(settings);
    const archive = name === undefined ? all[0] : all.find(({ cluster }) => cluster === name);
    if (archive) return stringify(recoveryCluster(archive));
    throw new UsageError(
      `--node ${name ?? "NAME"}: kubernetes.cnpg names ${all.map(({ cluster }) => cluster).join(", ") || "no cluster"}`,
    );
  },
  units: ({ settings }) => {
    const planned = plan(settings);
    const files = {
      ...postgresNodeUnits(settings.postgres.major),
      ...backupNodeUnits(planned.backupTimers, settings.metrics.directory, settings.backup.outage),
      ...planned.nodeUnits,
      ...planned.drillHostUnits,
    };
    return stringify(files, { lineWidth: 0 });
  },
};

/**
 * Text of one of the {@link help}'s files, for the settings in a stack's file.
 *
 * @param root folder of Pulumi.yaml
 * @throws UsageError for wrong arguments, SettingsError for wrong settings
 */
export function renderText(argv: string[], root: string): string {
  const { values, positionals } = parse(argv);
  if (values.help) return `${help}\n`;
  const [what, ...more] = positionals;
  const kinds = Object.keys(renderers).join(", ");
  if (what === undefined) throw new UsageError(`what is to be rendered? One of ${kinds}`);
  const renderer = Object.hasOwn(renderers, what) ? renderers[what] : undefined;
  if (!renderer) throw new UsageError(`${what} cannot be rendered, only ${kinds}`);
  if (more.length > 0) throw new UsageError(`one at a time: ${[what, ...more].join(", ")}`);
  return renderer({
    ...settingsOf(root, values.stack, values["config-file"]),
    node: values.node,
    stack: values.stack ?? "lab",
  });
}

/** Command `render`: prints, or says what is wrong and sets the exit code. */
export async function render(argv: string[]): Promise<void> {
  try {
    process.stdout.write(renderText(argv, dirname(dirname(fileURLToPath(import.meta.url)))));
  } catch (error) {
    const usage = error instanceof UsageError;
    console.error(`restorable: ${(error as Error).message}${usage ? "; see --help" : ""}`);
    process.exitCode = usage ? 64 : 1;
  }
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        stack: { type: "string" },
        "config-file": { type: "string" },
        node: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    // The first sentence: the second one explains positional arguments.
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}

function settingsOf(
  root: string,
  stack: string | undefined,
  file: string | undefined,
): Pick<Rendered, "settings" | "secrets"> {
  const known = stackNames(root);
  if (stack === undefined && file === undefined) throw new UsageError(`--stack is missing: ${known.join(", ")}`);
  if (stack !== undefined && file === undefined && !known.includes(stack))
    throw new UsageError(`--stack ${stack}: there is no Pulumi.${stack}.yaml, only ${known.join(", ")}`);
  const from = file === undefined ? `Pulumi.${stack}.yaml` : resolve(file);
  const { raw, secrets, encrypted } = file === undefined ? readStackFile(stack ?? "", root) : readConfigFile(from);
  const hidden = encrypted.filter((name) => !secretKeys.has(name));
  if (hidden.length > 0) {
    const keys = hidden.map((name) => `restorable:${name}`).join(", ");
    throw new Error(`${keys}: encrypted in ${from}; no secret belongs there, and rendering reads only what is plain`);
  }
  return {
    settings: parsePlainSettings(raw, stack === undefined ? {} : { stack }),
    secrets: [...Object.keys(secrets), ...encrypted],
  };
}

const secretKeys = new Set<string>([
  ...secretNames,
  ...webhookSecretNames,
  sshPrivateKey.name,
  authoritySecret.name,
  kubeconfigSecret.name,
]);

function stackNames(root: string): string[] {
  return readdirSync(root).flatMap((name) => /^Pulumi\.([\w.-]+)\.yaml$/.exec(name)?.[1] ?? []);
}
