import type { DashboardArgs, Section } from "../panel.js";
import { perRepository } from "./legends.js";

export function drills({ prefix }: DashboardArgs): Section {
  const drill = (name: string) => `${prefix}_backup_drill_${name}`;
  return {
    title: "Restore drills",
    panels: [
      {
        title: "RTO",
        description: "Restore and recovery until the copy took writes, against its bound.",
        kind: "timeseries",
        unit: "s",
        queries: [
          { expr: drill("restore_duration_seconds"), legend: perRepository },
          { expr: drill("rto_bound_seconds"), legend: `${perRepository}: bound` },
        ],
      },
      {
        title: "RPO",
        description: "Start of the drill minus the newest heartbeat restored.",
        kind: "timeseries",
        unit: "s",
        queries: [{ expr: drill("rpo_seconds"), legend: perRepository }],
      },
      {
        title: "Outcome",
        description: "The one that is 1 holds. Unverified is no pass: the environment failed.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: drill("outcome"), legend: `${perRepository}: {{outcome}}` }],
      },
      {
        title: "Rows of the smoke query",
        description: "Rows that the restored copy had.",
        kind: "timeseries",
        unit: "short",
        queries: [{ expr: drill("smoke_rows"), legend: perRepository }],
      },
      {
        title: "Looked at",
        description: "Relations, pages and tables found well, and objects of the repository proven to be unchanged.",
        kind: "timeseries",
        unit: "short",
        queries: ["checked_relations", "checksum_blocks", "compared_tables", "unchanged_objects"].map((name) => ({
          expr: drill(name),
          legend: `${perRepository}: ${name.replace("_", " ")}`,
        })),
      },
      {
        title: "Steps",
        description: "Where the time of the drill goes.",
        kind: "timeseries",
        unit: "s",
        queries: [{ expr: drill("step_duration_seconds"), legend: `${perRepository}: {{step}}` }],
      },
      {
        title: "To a random moment",
        description: "Outcome of the drill to a point in time: the one that is 1 holds.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: drill("pitr_outcome"), legend: `${perRepository}: {{outcome}}` }],
      },
      {
        title: "Duration",
        description: "The whole drill.",
        kind: "timeseries",
        unit: "s",
        queries: [{ expr: drill("duration_seconds"), legend: perRepository }],
      },
      {
        title: "Last pass",
        description: "Time since a backup was last proven to restore.",
        kind: "timeseries",
        unit: "s",
        queries: [{ expr: `time() - ${drill("last_success_timestamp_seconds")}`, legend: perRepository }],
      },
    ],
  };
}
