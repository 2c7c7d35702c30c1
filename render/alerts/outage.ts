import type { Expected } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import type { Alert } from "./types.js";

const see = "Look there: `journalctl -u 'restorable-archiving*' -n 50`.";

/** Alerts on a repository that is left out of archiving, and on what it then lacks. Only the primary answers for both. */
export function outageAlerts(expected: Expected, limits: AlertThresholds): Alert[] {
  const { latest, onPrimary } = series(expected);
  const archiving = latest("restorable_repository_archiving");
  return [
    {
      name: "RepositorySuspended",
      expr: `(${archiving} == 0) ${onPrimary}`,
      forSeconds: limits.repositorySuspendedForSeconds,
      severity: "warning",
      page: true,
      summary: "A repository takes no WAL and is left out of archiving.",
      description:
        "Repository {{ $labels.repo }} of stanza {{ $labels.stanza }} gets no WAL from {{ $labels.instance }}, so that " +
        `the others do. It is put back, and its hole closed, by itself once it takes WAL again. ${see}`,
    },
    {
      name: "RepositoryHole",
      // While it is left out the hole cannot be closed: that is RepositorySuspended's matter.
      expr: `(${latest("restorable_repository_hole")} == 1) ${onPrimary} unless on (instance, repo) (${archiving} == 0)`,
      forSeconds: limits.repositoryHoleForSeconds,
      severity: "critical",
      summary: "A repository lacks WAL, and that is not closed yet.",
      description:
        "Repository {{ $labels.repo }} of stanza {{ $labels.stanza }} gets WAL again, but lacks what came before: a " +
        `restore from it ends at the hole, or nobody knows. ${see}`,
    },
  ];
}
