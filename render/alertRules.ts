import { Document } from "yaml";
import { archivingAlerts } from "./alerts/archiving.js";
import { backupAlerts, type ExpectedDrill } from "./alerts/backup.js";
import { clusterAlerts } from "./alerts/clusterDumps.js";
import { coverageAlerts } from "./alerts/coverage.js";
import { criticalAlerts } from "./alerts/critical.js";
import { dumpAlerts } from "./alerts/dumps.js";
import { escrowAlerts } from "./alerts/escrow.js";
import type { Expected } from "./alerts/expected.js";
import { exportAlerts } from "./alerts/exports.js";
import { formationAlerts, postgresAlerts } from "./alerts/formation.js";
import { hostAlerts } from "./alerts/hosts.js";
import { immutabilityAlerts } from "./alerts/immutability.js";
import { pitrAlerts } from "./alerts/pitr.js";
import { reportingAlerts } from "./alerts/reporting.js";
import { repositoryAlerts } from "./alerts/repositories.js";
import { type AlertThresholds, defaultThresholds, scaleSeconds, scaleThresholds } from "./alerts/thresholds.js";
import { type Alert, prometheusDuration } from "./alerts/types.js";

export type { ExpectedDrill } from "./alerts/backup.js";
export type { Expected, ExpectedDataNode, ExpectedVolume } from "./alerts/expected.js";
export { type AlertThresholds, defaultThresholds } from "./alerts/thresholds.js";

export interface AlertRulesArgs {
  /** First part of group and drill metric names. */
  readonly prefix: string;
  /** Address of a runbook page; `{alert}` stands for the alert's name in kebab-case. */
  readonly runbookUrlPattern: string;
  /** Age in seconds after which the last verified drill counts as stale. */
  readonly drillStaleSeconds: number;
  /** Drills whose metrics must exist, each with an alert of its own. */
  readonly expectedDrills: readonly ExpectedDrill[];
  /** Whether the drill to a random moment runs. */
  readonly pitrDrills: boolean;
  /** Nodes, repositories and hosts whose metrics must exist. */
  readonly expected: Expected;
  /** Single values over {@link defaultThresholds}. */
  readonly thresholds?: Partial<AlertThresholds>;
  /** Multiplies every `for` and every age bound; for the fire drill. Default: 1. */
  readonly timeScale?: number;
}

/** File name of an alert's runbook page without its suffix: `HighLatencyP99` -> `high-latency-p99`. */
export function runbookName(alert: string): string {
  return alert.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

/**
 * The Prometheus rule file.
 *
 * @throws RangeError naming the argument, when it would render rules that do not load or never fire.
 */
export function renderAlertRules(args: AlertRulesArgs): string {
  const wanted: AlertThresholds = { ...defaultThresholds, ...args.thresholds };
  refuseUnusable(args, wanted);
  const timeScale = args.timeScale ?? 1;
  const limits = scaleThresholds(wanted, timeScale);
  const drills = { ...args, drillStaleSeconds: scaleSeconds(args.drillStaleSeconds, timeScale) };
  const group = (name: string, alerts: Alert[]) => ({
    name,
    rules: alerts.map((alert) => layOut(alert, args.runbookUrlPattern)),
  });
  const document = new Document({
    groups: [
      group(`${args.prefix}_critical`, criticalAlerts(limits)),
      group(`${args.prefix}_backup`, backupAlerts(drills, limits)),
      group("restorable_archiving", archivingAlerts(args, limits)),
      group("restorable_repositories", [...repositoryAlerts(args, limits), ...pitrAlerts(drills, limits)]),
      ...(args.expected.immutable?.length ? [group("restorable_immutability", immutabilityAlerts(args, limits))] : []),
      ...(args.expected.exports
        ? [group("restorable_exports", exportAlerts(drills, args.expected.exports, limits))]
        : []),
      ...(args.expected.dumps ? [group("restorable_dumps", dumpAlerts(args, args.expected.dumps, limits))] : []),
      ...(args.expected.cluster
        ? [group("restorable_cluster", clusterAlerts(drills, args.expected.cluster, limits))]
        : []),
      group("restorable_escrow", escrowAlerts(args, limits)),
      ...(args.expected.coverage ? [group("restorable_coverage", coverageAlerts(args, limits))] : []),
      group("restorable_formation", formationAlerts(args, limits)),
      group("restorable_postgres", postgresAlerts(args, limits)),
      group("restorable_hosts", hostAlerts(args, limits)),
      group("restorable_metrics", reportingAlerts(args, limits)),
    ],
  });
  document.commentBefore = " Rendered from the stack's settings; the next update overwrites changes made here.";
  return document.toString({ lineWidth: 0 });
}

function layOut(alert: Alert, runbookUrlPattern: string) {
  return {
    alert: alert.name,
    expr: alert.expr,
    for: prometheusDuration(alert.forSeconds),
    labels: { severity: alert.severity, ...(alert.page ? { page: "true" } : {}), ...alert.labels },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: runbookUrlPattern.replaceAll("{alert}", runbookName(alert.name)),
    },
  };
}

function refuseUnusable(args: AlertRulesArgs, limits: AlertThresholds): void {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(args.prefix)) {
    throw new RangeError(`prefix "${args.prefix}": letters, digits and _ only, as in a metric name`);
  }
  if (!args.runbookUrlPattern.includes("{alert}")) {
    throw new RangeError(`runbookUrlPattern "${args.runbookUrlPattern}": must contain {alert}`);
  }
  const { drillStaleSeconds, timeScale = 1, expected } = args;
  const { archiveTimeoutSeconds, scrapeIntervalSeconds } = expected;
  const numbers = { drillStaleSeconds, archiveTimeoutSeconds, scrapeIntervalSeconds, timeScale, ...limits };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${name} ${value}: must be greater than 0`);
    // Prometheus reads no fractions in durations.
    if (name.endsWith("Seconds") && name !== "latencyP99Seconds" && !Number.isInteger(value)) {
      throw new RangeError(`${name} ${value}: whole seconds only`);
    }
  }
  for (const [worse, first] of [
    ["dataVolumeFullRatio", "dataVolumeRatio"],
    ["certificateExpirySeconds", "certificateLastCallSeconds"],
  ] as const) {
    if (limits[worse] <= limits[first]) throw new RangeError(`${worse} ${limits[worse]}: more than ${first} only`);
  }
  if (expected.dataNodes.length === 0) throw new RangeError("expected.dataNodes: none is there");
  const drills = args.expectedDrills.map((drill) => `${drill.stanza}/${drill.repository}`);
  const twice = drills.find((drill, index) => drills.indexOf(drill) !== index);
  if (twice !== undefined) throw new RangeError(`expectedDrills: ${twice} stands there twice`);
}
