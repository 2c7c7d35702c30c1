import type { StackAlertsArgs } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

const look = "`coverage.sh` on the host of the ledger prints all that lives, with its newest backup and drill.";
const what =
  "{{ $labels.kind }} {{ $labels.name }} of {{ $labels.place }} {{ $labels.namespace }}/{{ $labels.source }}";

/** Alerts on the coverage ledger: what lives without a backup, or without a drill that passed. */
export function coverageAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { latest, now, bridge } = series(expected);
  const things = (verdict: string) =>
    `max by (stanza, place, namespace, source, kind, name) (${latest(`restorable_coverage_${verdict}`)}) == 1`;
  const run = "restorable_coverage_last_run_timestamp_seconds";
  return [
    {
      name: "CoverageMissing",
      expr: things("uncovered"),
      forSeconds: limits.coverageMissingForSeconds,
      severity: "warning",
      page: true,
      summary: "Something lives that has no backup.",
      description: `The ledger finds no backup of ${what} that is new enough. ${look}`,
    },
    {
      name: "CoverageUndrilled",
      expr: things("undrilled"),
      forSeconds: limits.coverageUndrilledForSeconds,
      severity: "warning",
      summary: "A backup exists of something that no drill has restored.",
      description: `The backup of ${what} is a claim so far: no drill of it has passed. ${look}`,
    },
    {
      name: "CoverageStale",
      expr:
        `time() - max by (stanza) (${latest(run)}) > ${limits.coverageStaleSeconds}` +
        ` or absent_over_time(${now(run)}[${bridge}])`,
      forSeconds: limits.coverageStaleForSeconds,
      severity: "warning",
      page: true,
      labels: { stanza: expected.stanza },
      summary: "Nobody knows whether everything that lives has a backup.",
      description:
        `Stanza ${expected.stanza}: no run of the ledger in the last ${prometheusDuration(limits.coverageStaleSeconds)} had every inventory, or ` +
        "there never was one. Look on its host: `coverage.sh`, `journalctl -u restorable-coverage.service -n 50`.",
    },
  ];
}
