import * as pulumi from "@pulumi/pulumi";
import { type AlertmanagerConfArgs, type Receiver, renderAlertmanagerConf } from "../render/alertmanagerConf.js";
import { type AlertRulesArgs, renderAlertRules } from "../render/alertRules.js";
import { renderScrapeFile, type ScrapeArgs } from "../render/prometheusConf.js";
import type { IncusHost } from "./IncusHost.js";
import { webhookSecrets } from "./webhookSecrets.js";

export interface PrometheusHostArgs {
  host: IncusHost;
  rulesPath: string;
  scrapePath: string;
  /** Where Prometheus answers on its host. */
  url: string;
  reload: "systemctl" | "http";
  scrape: ScrapeArgs;
  rules: AlertRulesArgs;
  /** Alertmanager on the same host, when the stack is to configure it. */
  alertmanager?: {
    configPath: string;
    url: string;
    conf: AlertmanagerConfArgs;
    /** URLs of the receivers that have one: secret. */
    webhooks: Partial<Record<Receiver, pulumi.Input<string>>>;
  };
}

/** Rules, scrape jobs and, where asked for, receivers for a Prometheus that exists and goes on without this stack. */
export class PrometheusHost extends pulumi.ComponentResource {
  constructor(name: string, args: PrometheusHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:PrometheusHost", name, {}, opts);
    const child = { parent: this };
    const { host, rulesPath, scrapePath, url, reload, alertmanager } = args;
    const places = { RULES_PATH: rulesPath, SCRAPE_PATH: scrapePath, URL: url, RELOAD: reload };
    host.step(
      `${name}-rules`,
      {
        script: "prometheus",
        undo: { script: "prometheus-remove", settings: places },
        target: "prometheus",
        files: ["monitoring.sh"],
        settings: {
          ...places,
          RULES: renderAlertRules(args.rules),
          SCRAPE: renderScrapeFile(args.scrape).trimEnd(),
        },
      },
      child,
    );
    if (alertmanager) {
      host.step(
        `${name}-alertmanager`,
        {
          script: "alertmanager",
          undo: { script: "alertmanager-remove", settings: { CONFIG_PATH: alertmanager.configPath } },
          target: "prometheus",
          files: ["monitoring.sh"],
          settings: {
            CONFIG_PATH: alertmanager.configPath,
            CONFIG: renderAlertmanagerConf(alertmanager.conf).trimEnd(),
            URL: alertmanager.url,
          },
          secrets: webhookSecrets(alertmanager.webhooks),
        },
        child,
      );
    }
    this.registerOutputs({});
  }
}
