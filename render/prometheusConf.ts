import { Document } from "yaml";

/** What a target is, for alerts and dashboards. */
export type TargetRole = "host" | "data" | "monitor" | "monitoring" | "dump";

export interface Machine {
  /** Name of the Incus host or container: label `instance`. */
  readonly name: string;
  readonly address: string;
  readonly role: TargetRole;
  /** Incus host it runs on; for a host its own name. Label `host`, by which inhibition knows what went down together. */
  readonly host: string;
}

export interface ScrapeArgs {
  /** Label of every target. */
  readonly stanza: string;
  /** Each has node_exporter on port 9100, and data nodes postgres_exporter on port 9187. */
  readonly machines: readonly Machine[];
}

export interface PrometheusConfArgs extends ScrapeArgs {
  readonly scrapeIntervalSeconds: number;
  /** The machine that Prometheus and Alertmanager run on. */
  readonly monitoring: Machine;
  readonly rulesPath: string;
  /** Whether a Pushgateway runs beside Prometheus. */
  readonly pushgateway: boolean;
  /** Labels of everything that leaves this Prometheus. */
  readonly stack: string;
  readonly environment: string;
}

export const ports = { node: 9100, postgres: 9187, prometheus: 9090, alertmanager: 9093, pushgateway: 9091 } as const;
type Job = keyof typeof ports;

const comment = " Rendered from the stack's settings; the next update overwrites changes made here.";

/** Whole configuration of the stack's own Prometheus. */
export function renderPrometheusConf(args: PrometheusConfArgs): string {
  const { monitoring, scrapeIntervalSeconds } = args;
  const every = `${scrapeIntervalSeconds}s`;
  const document = new Document({
    global: {
      scrape_interval: every,
      scrape_timeout: `${Math.min(scrapeIntervalSeconds, 10)}s`,
      evaluation_interval: every,
      external_labels: { stack: args.stack, environment: args.environment },
    },
    rule_files: [args.rulesPath],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`${monitoring.address}:${ports.alertmanager}`] }] }] },
    scrape_configs: [
      ...scrapeConfigs(args, ""),
      scrapeConfig("prometheus", "", args.stanza, [monitoring]),
      scrapeConfig("alertmanager", "", args.stanza, [monitoring]),
      ...(args.pushgateway ? [scrapeConfig("pushgateway", "", args.stanza, [monitoring])] : []),
    ],
  });
  document.commentBefore = comment;
  return document.toString({ lineWidth: 0 });
}

/** Scrape jobs for a Prometheus that exists, one of its `scrape_config_files`. */
export function renderScrapeFile(args: ScrapeArgs): string {
  // Jobs of the same name would be refused, and `node` is in Debian's default configuration.
  const document = new Document({ scrape_configs: scrapeConfigs(args, `restorable_${args.stanza}_`) });
  document.commentBefore = comment;
  return document.toString({ lineWidth: 0 });
}

function scrapeConfigs({ stanza, machines }: ScrapeArgs, prefix: string) {
  const data = machines.filter(({ role }) => role === "data");
  return [scrapeConfig("node", prefix, stanza, machines), scrapeConfig("postgres", prefix, stanza, data)];
}

function scrapeConfig(job: Job, prefix: string, stanza: string, machines: readonly Machine[]) {
  return {
    job_name: `${prefix}${job}`,
    // Textfile metrics say themselves which stanza they are about, and what was pushed who it came from.
    ...(job === "node" || job === "pushgateway" ? { honor_labels: true } : {}),
    static_configs: machines.map(({ name, address, role, host }) => ({
      targets: [`${address}:${ports[job]}`],
      labels: { ...(prefix ? { job } : {}), instance: name, role, host, stanza },
    })),
  };
}
