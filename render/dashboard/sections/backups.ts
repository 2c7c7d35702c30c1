import type { Section } from "../panel.js";
import { perRepository } from "./legends.js";

export function backups(): Section {
  return {
    title: "Backups per repository",
    panels: [
      {
        title: "Age of the last backup",
        description:
          "By type. A full one each week, a differential one on the other days, unless the timers say otherwise.",
        kind: "timeseries",
        unit: "s",
        queries: [
          {
            expr: "time() - (max by (stanza, repo, type) (restorable_repository_last_backup_timestamp_seconds) > 0)",
            legend: `${perRepository}: {{type}}`,
          },
        ],
      },
      {
        title: "Bytes added by the last backup",
        description: "In the repository: compressed, encrypted, without what it shares with earlier ones.",
        kind: "timeseries",
        unit: "bytes",
        queries: [
          {
            expr: "max by (stanza, repo, type) (restorable_repository_last_backup_size_bytes)",
            legend: `${perRepository}: {{type}}`,
          },
        ],
      },
      {
        title: "Backups kept",
        description: "By type.",
        kind: "timeseries",
        unit: "none",
        queries: [
          {
            expr: "max by (stanza, repo, type) (restorable_repository_backups)",
            legend: `${perRepository}: {{type}}`,
          },
        ],
      },
      {
        title: "Reachable",
        description: "As each node sees it: 1 the repository answered, 0 it did not.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "restorable_repository_reachable", legend: `{{instance}}: ${perRepository}` }],
      },
      {
        title: "WAL kept",
        description: "First and last segment in the repository.",
        kind: "table",
        unit: "none",
        queries: [
          {
            expr: "max by (stanza, repo, min, max) (restorable_repository_wal_info)",
            legend: `${perRepository}: {{min}} to {{max}}`,
          },
        ],
      },
    ],
  };
}
