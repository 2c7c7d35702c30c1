import type { DashboardArgs, Panel, Section } from "../panel.js";
import { perRepository } from "./legends.js";

export function glance({ prefix, rtoBoundSeconds, drillStaleSeconds }: DashboardArgs): Section {
  const drill = (name: string) => `${prefix}_backup_drill_${name}`;
  const stat = (
    title: string,
    description: string,
    unit: string,
    expr: string,
    legend: string,
    red?: Panel["red"],
  ): Panel => ({
    title,
    description,
    kind: "stat",
    unit,
    queries: [{ expr, legend }],
    ...(red ? { red } : {}),
  });
  return {
    title: "At a glance",
    panels: [
      stat(
        "Alerts firing",
        "Alerts that fire now, without the dead man's switch.",
        "none",
        'count(ALERTS{alertstate="firing",alertname!="DeadMansSwitch"}) or vector(0)',
        "firing",
        { above: 1 },
      ),
      stat(
        "Last drill",
        "1: the newest backup was restored and verified. 0: it was not.",
        "none",
        drill("last_success"),
        perRepository,
        { below: 1 },
      ),
      stat(
        "Age of the last drill",
        "Time since the last drill that came to a verdict.",
        "s",
        `time() - ${drill("last_run_timestamp_seconds")}`,
        perRepository,
        { above: drillStaleSeconds },
      ),
      stat(
        "RTO, last drill",
        "Restore and recovery until the copy took writes.",
        "s",
        drill("restore_duration_seconds"),
        perRepository,
        { above: rtoBoundSeconds },
      ),
      stat(
        "Primaries",
        "Nodes that take writes, by the monitor. One is right.",
        "none",
        "restorable_formation_primaries",
        "primaries",
        { below: 1 },
      ),
      stat(
        "Synchronous standbys",
        "Standbys that a commit on the primary waits for.",
        "none",
        "max(restorable_postgres_sync_standbys)",
        "standbys",
        { below: 1 },
      ),
      stat(
        "Repositories",
        "1: the repository answered at the last look.",
        "none",
        "min by (stanza, repo) (restorable_repository_reachable)",
        perRepository,
        { below: 1 },
      ),
      stat(
        "Newest archived WAL",
        "Age of the newest segment in the repository: what a disaster would lose now, at most, while something is written.",
        "s",
        "time() - (max by (stanza, repo) (restorable_repository_newest_wal_timestamp_seconds) > 0)",
        perRepository,
        { above: 600 },
      ),
    ],
  };
}
