import type { Section } from "../panel.js";
import { perNode } from "./legends.js";

export function formation(): Section {
  return {
    title: "Formation",
    panels: [
      {
        title: "States",
        description: "What each node reports to the monitor, and what the monitor wants of it.",
        kind: "table",
        unit: "none",
        queries: [{ expr: "restorable_formation_node_state", legend: "{{node}}: {{reported}} / {{assigned}}" }],
      },
      {
        title: "Health",
        description: "The monitor's own check of each node: 1 healthy, 0 unhealthy, -1 not known.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "restorable_formation_node_healthy", legend: "{{node}}" }],
      },
      {
        title: "Primary",
        description: "Which node takes writes. A step is a failover or a switchover.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "restorable_formation_node_primary", legend: "{{node}}" }],
      },
      {
        title: "Since the last change of state",
        description: "Seconds since the monitor last changed what it wants of a node.",
        kind: "timeseries",
        unit: "s",
        queries: [{ expr: "time() - restorable_formation_node_state_change_timestamp_seconds", legend: "{{node}}" }],
      },
      {
        title: "Replication lag",
        description: "WAL that a standby has not replayed yet, by the primary.",
        kind: "timeseries",
        unit: "bytes",
        queries: [{ expr: "restorable_postgres_replay_lag_bytes", legend: "{{standby}}" }],
      },
      {
        title: "Oldest commit that waits",
        description:
          "Age of the oldest commit that no standby has acknowledged. Seconds here are a hanging application.",
        kind: "timeseries",
        unit: "s",
        queries: [{ expr: "restorable_postgres_commit_wait_seconds", legend: perNode }],
      },
      {
        title: "Standbys",
        description: "Streaming standbys of each node, and how many of them are synchronous.",
        kind: "timeseries",
        unit: "none",
        queries: [
          { expr: "restorable_postgres_standbys", legend: "{{instance}}: streaming" },
          { expr: "restorable_postgres_sync_standbys", legend: "{{instance}}: synchronous" },
        ],
      },
      {
        title: "Connections",
        description: "Connections in use against max_connections.",
        kind: "timeseries",
        unit: "percentunit",
        queries: [{ expr: "restorable_postgres_connections / restorable_postgres_max_connections", legend: perNode }],
      },
    ],
  };
}
