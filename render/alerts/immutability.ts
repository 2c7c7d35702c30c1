import type { StackAlertsArgs } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/**
 * Alerts on what an attacker with the production keys could do to a repository. Only the primary probes, so after a
 * failover two nodes have a verdict: the newest one counts.
 */
export function immutabilityAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { latest } = series(expected);
  const of = (name: string, repo: string) => latest(`restorable_immutability_probe_${name}`, { repo });
  return (expected.immutable ?? []).map(String).flatMap((repo): Alert[] => {
    const labels = { stanza: expected.stanza, repo };
    const newest = `max by (stanza, repo) (${of("timestamp_seconds", repo)})`;
    return [
      {
        name: "ImmutabilityProbeFailed",
        expr:
          `${of("success", repo)} == 0 and on (instance, stanza, repo) ` +
          `(${of("timestamp_seconds", repo)} == on (stanza, repo) group_left () ${newest})`,
        forSeconds: limits.immutabilityFailedForSeconds,
        severity: "critical",
        labels,
        summary: "Whoever holds the production keys can destroy the off-site backups.",
        description:
          `On {{ $labels.instance }} the probe could do to repository ${repo} of stanza ${expected.stanza} what nobody may: ` +
          "{{ $labels.reason }}. Look there: `journalctl -u restorable-immutability.service -n 60`.",
      },
      {
        name: "ImmutabilityProbeStale",
        expr: `time() - ${newest} > ${limits.immutabilityStaleSeconds} or absent(${of("timestamp_seconds", repo)})`,
        forSeconds: limits.immutabilityStaleForSeconds,
        severity: "warning",
        page: true,
        labels,
        summary: "It has not been proven for too long that the off-site backups cannot be destroyed.",
        description:
          `No probe of repository ${repo}, stanza ${expected.stanza}, has come to a verdict within ` +
          `${prometheusDuration(limits.immutabilityStaleSeconds)}. Look on the primary: ` +
          "`journalctl -u restorable-immutability.service -n 60`.",
      },
    ];
  });
}
