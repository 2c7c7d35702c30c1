#!/usr/bin/env bash
# Copies the monitor's history and settings into the formation's own database, on the primary only: from there they
# are in every backup, and outlive the monitor. Run by restorable-monitor-copy.service.
# A monitor is never restored from it: its goal states are those of another day, and what the nodes are decides.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: monitor-copy.sh [--help]
Run as postgres. On the primary, adds to the application's database what the monitor has and the database has not:
  restorable.monitor_event   the monitor's events
  restorable.monitor_state   formation, nodes and monitor settings: a row whenever they change; `seen` is the last time
                             that they were found so, and thereby the age of the copy
`monitor` is the system identifier of the monitor's cluster: another one after each rebuild. On a standby: nothing.

Exit: 0 done, or a standby; 1 the monitor could not be read or the rows not be written; 3 the role cannot be decided.

Settings, from /etc/restorable/backup.env: DATABASE, PGDATA, PG_MAJOR.
TEXT
}

# shellcheck source=scripts/node/arguments.sh
. "$(dirname "${BASH_SOURCE[0]}")/arguments.sh"
no_arguments "$@"

# shellcheck source=scripts/node/role.sh
. "$(dirname "${BASH_SOURCE[0]}")/role.sh"
load_backup_env
: "${DATABASE:?not set in backup.env}"

role=$(node_role)
if [[ $role == standby ]]; then
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# As with the heartbeat, no COMMIT of a job may wait for a standby.
local_sql() {
  PGCONNECT_TIMEOUT=5 timeout --signal=INT --kill-after=5 60 psql -XqAt -d "$DATABASE" -v ON_ERROR_STOP=1
}
prelude="SET client_min_messages = warning; SET synchronous_commit = local; SET statement_timeout = '30s'; SET lock_timeout = '5s';"

if ! since=$(local_sql <<SQL
$prelude
CREATE SCHEMA IF NOT EXISTS restorable;
CREATE TABLE IF NOT EXISTS restorable.monitor_event
  (monitor bigint, id bigint, at timestamptz NOT NULL, node text, event jsonb NOT NULL, PRIMARY KEY (monitor, id));
CREATE TABLE IF NOT EXISTS restorable.monitor_state
  (monitor bigint, at timestamptz DEFAULT now(), seen timestamptz DEFAULT now(), state jsonb NOT NULL, PRIMARY KEY (monitor, at));
SELECT coalesce(max(at) - interval '1 hour', '-infinity') FROM restorable.monitor_event;
SQL
); then
  echo "database $DATABASE cannot be written to" >&2
  exit 1
fi

uri=$(pg_autoctl config get pg_autoctl.monitor --pgdata "$PGDATA" 2>/dev/null)
if ! PGCONNECT_TIMEOUT=5 timeout -k 5 60 psql -XqAt -d "$uri" -v ON_ERROR_STOP=1 -v since="$since" >"$work/rows" <<'SQL'
SET statement_timeout = '30s';
COPY (
  SELECT 'event', system_identifier, eventid, eventtime, nodename, to_jsonb(event)
    FROM pgautofailover.event, pg_control_system() WHERE eventtime > :'since'
  UNION ALL
  SELECT 'state', system_identifier, NULL, NULL, NULL, jsonb_build_object(
      'formations', (SELECT jsonb_agg(to_jsonb(formation) ORDER BY formationid) FROM pgautofailover.formation),
      'nodes', (SELECT jsonb_agg(jsonb_build_object('id', nodeid, 'name', nodename, 'host', nodehost, 'port', nodeport,
          'priority', candidatepriority, 'quorum', replicationquorum) ORDER BY nodeid) FROM pgautofailover.node),
      'settings', (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name LIKE 'pgautofailover.%'))
    FROM pg_control_system()
) TO STDOUT
SQL
then
  echo "the monitor cannot be read" >&2
  exit 1
fi

{
  echo "$prelude"
  echo 'CREATE TEMP TABLE copied (kind text, monitor bigint, id bigint, at timestamptz, node text, content jsonb);'
  echo 'COPY copied FROM STDIN;'
  cat "$work/rows"
  cat <<'SQL'
\.
BEGIN;
INSERT INTO restorable.monitor_event (monitor, id, at, node, event)
  SELECT monitor, id, at, node, content FROM copied WHERE kind = 'event' ON CONFLICT DO NOTHING;
WITH newest AS (
  SELECT DISTINCT ON (monitor) monitor, at, state FROM restorable.monitor_state ORDER BY monitor, at DESC
), same AS (
  UPDATE restorable.monitor_state held SET seen = now() FROM newest, copied
    WHERE kind = 'state' AND newest.monitor = copied.monitor AND newest.state = copied.content
      AND held.monitor = newest.monitor AND held.at = newest.at RETURNING 1
)
INSERT INTO restorable.monitor_state (monitor, state)
  SELECT monitor, content FROM copied WHERE kind = 'state' AND NOT EXISTS (SELECT FROM same);
DELETE FROM restorable.monitor_event WHERE at < now() - interval '400 days';
DELETE FROM restorable.monitor_state WHERE seen < now() - interval '400 days';
COMMIT;
SQL
} | local_sql || {
  echo "the monitor's history is not written to database $DATABASE" >&2
  exit 1
}
