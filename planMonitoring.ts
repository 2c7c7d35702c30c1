import { dumpMachines } from "./planDumps.js";
import type { AlertmanagerConfArgs } from "./render/alertmanagerConf.js";
import type { Machine, PrometheusConfArgs, ScrapeArgs } from "./render/prometheusConf.js";
import type { Settings } from "./settings/complete.js";
import type { ReceiverName } from "./settings/webhooks.js";

/** What the settings say about Prometheus and Alertmanager, as the renderers want it. */
export interface MonitoringPlan {
  scrape: ScrapeArgs;
  /** Absent without `monitoring`. */
  prometheus?: PrometheusConfArgs;
  alertmanager: AlertmanagerConfArgs;
}

/**
 * Part of `plan` for the monitoring.
 *
 * @param receivers those that have a webhook, plain or secret
 */
export function planMonitoring(
  settings: Settings,
  stack: string,
  receivers: ReadonlySet<ReceiverName>,
): MonitoringPlan {
  const { hosts, formation, monitoring, alerts, alerting, backup, environment, kubernetes } = settings;
  const own: Machine | undefined = monitoring && {
    name: monitoring.name,
    address: monitoring.address,
    role: "monitoring",
    host: monitoring.host,
  };
  const { monitor, nodes } = formation;
  const machines: Machine[] = [
    ...hosts.map(({ name, address }): Machine => ({ name, address, role: "host", host: name })),
    ...dumpMachines(settings),
    ...nodes.map(({ name, address, host }): Machine => ({ name, address, role: "data", host })),
    { name: monitor.name, address: monitor.address, role: "monitor", host: monitor.host },
    ...(own ? [own] : []),
  ];
  const scrape = { stanza: backup.stanza, machines };
  return {
    scrape,
    ...(monitoring && own
      ? {
          prometheus: {
            ...scrape,
            scrapeIntervalSeconds: monitoring.scrapeIntervalSeconds,
            monitoring: own,
            rulesPath: alerts.rulesPath,
            pushgateway: kubernetes?.enabled === true && kubernetes.pushgatewayUrl === undefined,
            stack,
            environment,
          },
        }
      : {}),
    alertmanager: {
      receivers,
      groupWaitSeconds: alerting.groupWaitSeconds,
      groupIntervalSeconds: alerting.groupIntervalSeconds,
      repeatIntervalHours: alerting.repeatIntervalHours,
      deadMansSwitchSeconds: alerting.deadMansSwitch.intervalSeconds,
    },
  };
}
