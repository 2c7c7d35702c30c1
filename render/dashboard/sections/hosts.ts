import type { Section } from "../panel.js";

export function hosts(): Section {
  return {
    title: "Hosts, volumes, certificates",
    panels: [
      {
        title: "Data volumes",
        description: "Used share of each data volume's limit.",
        kind: "timeseries",
        unit: "percentunit",
        queries: [{ expr: "restorable_volume_used_bytes / restorable_volume_size_bytes", legend: "{{volume}}" }],
      },
      {
        title: "Certificates",
        description: "Time until each certificate ends. `pulumi up` renews those with less than 90 days left.",
        kind: "timeseries",
        unit: "s",
        queries: [
          { expr: "restorable_certificate_expiry_timestamp_seconds - time()", legend: "{{instance}}: {{file}}" },
        ],
      },
      {
        title: "Timers",
        description: "1: the timer is there and runs.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "restorable_timer_active", legend: "{{instance}}: {{timer}}" }],
      },
      {
        title: "Scrape targets",
        description: "1: Prometheus reaches the target.",
        kind: "timeseries",
        unit: "none",
        queries: [{ expr: "up", legend: "{{instance}} ({{job}})" }],
      },
    ],
  };
}
