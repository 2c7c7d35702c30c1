#!/usr/bin/env bash
# One row with the current time, on the primary only. The newest row that a restore brings back tells how much a
# loss at that moment would have cost. Run each minute by restorable-heartbeat.service.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: heartbeat.sh [--help]
Run as postgres. Adds one row to restorable.heartbeat when this node is the primary; on a standby it does nothing.

Exit: 0 done, or a standby; 1 the row could not be written; 3 the node's role cannot be decided.

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

# The next beat comes in a minute: no time to wait for a failover to end.
role=$(ROLE_WAIT_SECONDS=${ROLE_WAIT_SECONDS:-6} ROLE_TIMEOUT_SECONDS=${ROLE_TIMEOUT_SECONDS:-5} node_role)
if [[ $role == standby ]]; then
  exit 0
fi

# With synchronous_commit=local the COMMIT never waits for a standby: statement_timeout does not reach that wait,
# and a backend stuck there each minute would in the end take all connections. The row is in the WAL either way,
# which is all that it measures. SIGINT makes psql cancel its query rather than leave it behind.
if ! PGCONNECT_TIMEOUT=5 timeout --signal=INT --kill-after=5 20 \
  psql -Xq -d "$DATABASE" -v ON_ERROR_STOP=1 <<'SQL'
SET client_min_messages = warning;
SET synchronous_commit = local;
SET statement_timeout = '10s';
SET lock_timeout = '5s';
CREATE SCHEMA IF NOT EXISTS restorable;
CREATE TABLE IF NOT EXISTS restorable.heartbeat (at timestamptz PRIMARY KEY DEFAULT now());
INSERT INTO restorable.heartbeat DEFAULT VALUES ON CONFLICT DO NOTHING;
DELETE FROM restorable.heartbeat WHERE at < now() - interval '40 days';
SQL
then
  echo "heartbeat row not written to database $DATABASE" >&2
  exit 1
fi
