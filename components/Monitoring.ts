import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type AlertmanagerConfArgs, type Receiver, renderAlertmanagerConf } from "../render/alertmanagerConf.js";
import { type AlertRulesArgs, renderAlertRules } from "../render/alertRules.js";
import { alertmanagerDefaults, prometheusDefaults } from "../render/monitoringDefaults.js";
import { type PrometheusConfArgs, ports, renderPrometheusConf } from "../render/prometheusConf.js";
import { mebibytes } from "../render/size.js";
import { IncusContainer } from "./IncusContainer.js";
import type { IncusHost } from "./IncusHost.js";
import { webhookSecrets } from "./webhookSecrets.js";

export interface MonitoringArgs {
  host: IncusHost;
  image: string;
  address: string;
  cpu: number;
  /** With its unit, for example `512MiB`. */
  memory: string;
  dataSize: string;
  keepData: boolean;
  retentionDays: number;
  /** Folder of node_exporter's textfile collector. */
  metricsDirectory: string;
  prometheus: PrometheusConfArgs;
  rules: AlertRulesArgs;
  alertmanager: AlertmanagerConfArgs;
  /** URLs of the receivers that have one: secret. */
  webhooks: Partial<Record<Receiver, pulumi.Input<string>>>;
}

/** Prometheus and Alertmanager in a container of their own, with the stack's targets, rules and receivers. */
export class Monitoring extends pulumi.ComponentResource {
  readonly container: IncusContainer;
  /** Done when Prometheus has said that it has the rules. */
  readonly ready: remote.Command;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:Monitoring", name, {}, opts);
    const child = { parent: this };
    const { host, address, rules } = args;
    const url = (port: number) => `http://${address}:${port}`;
    this.container = new IncusContainer(
      name,
      {
        host,
        image: args.image,
        address,
        cpu: args.cpu,
        memory: args.memory,
        data: { size: args.dataSize, path: "/var/lib/prometheus" },
        keepData: args.keepData,
      },
      child,
    );
    const packages = this.container.step(
      `${name}-packages`,
      {
        script: "monitoring-packages",
        settings: {
          ADDRESS: address,
          METRICS_DIR: args.metricsDirectory,
          ...(args.prometheus.pushgateway ? { PUSHGATEWAY: ports.pushgateway } : {}),
        },
      },
      child,
    );
    const alertmanager = this.container.step(
      `${name}-alertmanager`,
      {
        script: "alertmanager",
        files: ["monitoring.sh"],
        settings: {
          CONFIG_PATH: "/etc/prometheus/alertmanager.yml",
          CONFIG: renderAlertmanagerConf(args.alertmanager).trimEnd(),
          URL: url(ports.alertmanager),
          DEFAULTS: alertmanagerDefaults({ address }),
        },
        secrets: webhookSecrets(args.webhooks),
      },
      { ...child, dependsOn: [packages] },
    );
    this.ready = this.container.step(
      `${name}-prometheus`,
      {
        script: "prometheus",
        files: ["monitoring.sh"],
        settings: {
          RULES_PATH: args.prometheus.rulesPath,
          RULES: renderAlertRules(rules),
          CONFIG: renderPrometheusConf(args.prometheus).trimEnd(),
          URL: url(ports.prometheus),
          RELOAD: "systemctl",
          DEFAULTS: prometheusDefaults({
            ...args,
            memoryMiB: mebibytes(args.memory),
            dataMiB: mebibytes(args.dataSize),
          }),
        },
      },
      { ...child, dependsOn: [alertmanager] },
    );
    this.registerOutputs({});
  }
}
