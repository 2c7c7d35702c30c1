#!/usr/bin/env bash
# The formation as its monitor sees it, as metrics: from the monitor's own tables, every 15 seconds, by
# restorable-formation-metrics.service.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: formation-metrics.sh [--help]
Run as postgres on the monitor. Writes restorable_formation.prom and restorable_node.prom (timers, certificates) for
node_exporter's textfile collector. Without an answer from the monitor's Postgres the former stays as it was, and
restorable_formation_metrics_timestamp_seconds tells since when.

Exit: 0 written; 1 no answer, or a file could not be written; 2 wrong use or settings.

Settings, from /etc/restorable/metrics.env (RESTORABLE_METRICS_ENV names another file):
  METRICS_DIRECTORY       folder of the textfile collector
  NODES_EXPECTED          data nodes that the settings name
  TIMERS, CERTIFICATES    what is expected on this machine
From the environment:
  LOOK_TIMEOUT_SECONDS    how long the question may take (8)
TEXT
}

# shellcheck source=scripts/metrics/textfile.sh
. "$(dirname "${BASH_SOURCE[0]}")/../metrics/textfile.sh"
only_help "$@"
load_settings "${RESTORABLE_METRICS_ENV:-/etc/restorable/metrics.env}"
: "${METRICS_DIRECTORY:?not set in metrics.env}" "${NODES_EXPECTED:?not set in metrics.env}"

# One statement, hence one moment. Each row: name without its prefix, label or nothing, value. A node is taken for
# the primary by what it reports; counted as one only when it is also healthy. An event in which a node that followed
# is to take writes is a failover, planned or not.
ask() {
  PGCONNECT_TIMEOUT=3 PGOPTIONS='-c statement_timeout=5000' timeout -k 2 "${LOOK_TIMEOUT_SECONDS:-8}" \
    psql -X -qAt -F $'\t' -v ON_ERROR_STOP=1 -d pg_auto_failover <<'SQL'
WITH node AS (
  SELECT nodename AS name, reportedstate::text AS reported, goalstate::text AS assigned, health, reporttime, statechangetime,
         reportedstate::text IN ('single', 'primary', 'wait_primary', 'join_primary', 'apply_settings') AS writes
  FROM pgautofailover.node WHERE formationid = 'default'
), settings AS (
  SELECT number_sync_standbys FROM pgautofailover.formation WHERE formationid = 'default'
)
SELECT 'node_healthy', name, health::float8 FROM node
UNION ALL SELECT 'node_state', name || '",reported="' || reported || '",assigned="' || assigned, 1 FROM node
UNION ALL SELECT 'node_settled', name, (reported = assigned)::int FROM node
UNION ALL SELECT 'node_primary', name, writes::int FROM node
UNION ALL SELECT 'node_report_timestamp_seconds', name, extract(epoch FROM reporttime) FROM node
UNION ALL SELECT 'node_state_change_timestamp_seconds', name, extract(epoch FROM statechangetime) FROM node
UNION ALL SELECT 'primaries', '', count(*) FROM node WHERE writes AND health = 1
UNION ALL SELECT 'standbys', '', count(*) FROM node WHERE health = 1 AND reported = 'secondary' AND assigned = 'secondary'
UNION ALL SELECT 'nodes', '', count(*) FROM node
UNION ALL SELECT 'number_sync_standbys', '', number_sync_standbys FROM settings
UNION ALL SELECT 'last_failover_timestamp_seconds', '', coalesce(extract(epoch FROM max(eventtime)), 0)
  FROM pgautofailover.event
  WHERE formationid = 'default' AND goalstate::text IN ('single', 'primary', 'wait_primary')
    AND reportedstate::text IN ('secondary', 'report_lsn', 'fast_forward', 'prepare_promotion', 'stop_replication')
UNION ALL SELECT 'metrics_timestamp_seconds', '', extract(epoch FROM clock_timestamp())
SQL
}

# rendered <ROWS: fails on a row of another form, and when one that must be there is not.
rendered() {
  LC_ALL=C sort | awk -F '\t' -v expected="$NODES_EXPECTED" '
    BEGIN {
      help["node_healthy"] = "1 if the monitor reaches the node, 0 if not, -1 when it does not know yet."
      help["node_state"] = "States that the node reports and is assigned."
      help["node_settled"] = "1 if the node reports the state that it is assigned."
      help["node_primary"] = "1 if the state that the node reports takes writes."
      help["node_report_timestamp_seconds"] = "Last report of the node."
      help["node_state_change_timestamp_seconds"] = "Last change of the node state."
      help["primaries"] = "Healthy nodes whose reported state takes writes."
      help["standbys"] = "Healthy nodes that are settled as secondary."
      help["nodes"] = "Registered data nodes."
      help["nodes_expected"] = "Data nodes that the settings name."
      help["number_sync_standbys"] = "Standbys that must acknowledge a commit, as the monitor has it."
      help["last_failover_timestamp_seconds"] = "Last time that a following node was made to take writes; 0 if never."
      help["metrics_timestamp_seconds"] = "When these metrics were read from the monitor."
    }
    NF != 3 || !($1 in help) || $3 !~ /^-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/ { bad = 1; exit }
    { line($1, ($2 == "" ? "" : "{node=\"" $2 "\"}"), $3); seen[$1] = 1 }
    function line(name, labels, value) {
      if (name != last) printf "# HELP restorable_formation_%s %s\n# TYPE restorable_formation_%s gauge\n", name, help[name], name
      last = name
      printf "restorable_formation_%s%s %s\n", name, labels, value
    }
    END {
      if (bad || !seen["primaries"] || !seen["number_sync_standbys"] || !seen["metrics_timestamp_seconds"]) exit 1
      line("nodes_expected", "", expected)
    }'
}

status=0
if text=$(ask | rendered); then
  replace_file "$METRICS_DIRECTORY/restorable_formation.prom" <<<"$text" || status=1
else
  echo "the monitor's Postgres gave no usable answer: the formation's series stay as they were" >&2
  status=1
fi
machine_series "${TIMERS:-}" "${CERTIFICATES:-}" | replace_file "$METRICS_DIRECTORY/restorable_node.prom" || status=1
exit "$status"
