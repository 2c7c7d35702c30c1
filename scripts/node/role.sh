#!/usr/bin/env bash
# Whether this data node is the formation's primary. Run by hand it prints the answer; the timed jobs source it.
#
# A node says "primary" only when the monitor says so AND Postgres here is not in recovery. The node's own opinion
# is not enough: an isolated old primary goes on believing in itself, and a backup taken from it would put a
# diverged history beside the good one. So with the monitor out of reach a node that is not in recovery is
# undecided, and its timed job fails where it can be seen, at worst delaying one backup. Archiving does not ask
# this gate: a monitor outage never stops it. A node in recovery needs no monitor to know that it is a standby.
set -euo pipefail

role_usage() {
  cat <<'TEXT'
Usage: role.sh [--help]
Prints "primary" or "standby". Exit 3, with the reason on stderr, when that cannot be decided.

Settings, from /etc/restorable/backup.env:
  PGDATA                  data directory of this node
  PG_MAJOR                Postgres major version
From the environment:
  ROLE_WAIT_SECONDS       how long to wait for a change of roles to end (30)
  ROLE_TIMEOUT_SECONDS    how long the monitor and Postgres may each take to answer (10)
TEXT
}

# Reads the node's settings. RESTORABLE_BACKUP_ENV names another file.
load_backup_env() {
  local file="${RESTORABLE_BACKUP_ENV:-/etc/restorable/backup.env}"
  if [[ ! -r $file ]]; then
    echo "cannot read $file: has this node been provisioned?" >&2
    return 2
  fi
  # shellcheck source=/dev/null
  . "$file"
  # A job's output is for the journal; none of it may depend on the host's language.
  export LC_ALL=C PGDATA
}

# role_field FIELD NODE_ID: one field of a node, from `pg_autoctl show state --json` on stdin (an array of nodes,
# or with --local one object). Empty when there is no such node. NODE_ID "" takes the first.
role_field() {
  jq -r --arg field "$1" --arg id "$2" \
    '[.] | flatten | map(select($id == "" or (.node_id | tostring) == $id)) | first | .[$field] // ""' 2>/dev/null
}

# t, f, or nothing when Postgres does not answer.
role_in_recovery() {
  PGCONNECT_TIMEOUT=5 timeout -k 2 "$ROLE_TIMEOUT_SECONDS" \
    psql -XAtq -d postgres -c 'SELECT pg_is_in_recovery()' 2>/dev/null || true
}

# One look. Prints a word and, after a blank, what it rests on: primary, standby, changing, unknown.
role_once() {
  local recovery node_id state current assigned
  recovery=$(role_in_recovery)

  if ! node_id=$(timeout -k 2 "$ROLE_TIMEOUT_SECONDS" \
    pg_autoctl show state --local --json --pgdata "$PGDATA" 2>/dev/null | role_field node_id '') ||
    [[ -z $node_id ]]; then
    echo "unknown this node's own pg_autoctl state in $PGDATA cannot be read"
    return
  fi

  if ! state=$(timeout -k 2 "$ROLE_TIMEOUT_SECONDS" \
    pg_autoctl show state --json --pgdata "$PGDATA" 2>/dev/null) ||
    ! current=$(role_field current_group_state "$node_id" <<<"$state"); then
    if [[ $recovery == t ]]; then
      echo 'standby in recovery (the monitor does not answer)'
    else
      echo 'unknown the monitor does not answer, and Postgres here is not in recovery'
    fi
    return
  fi
  assigned=$(role_field assigned_group_state "$node_id" <<<"$state")
  role_from "${recovery:-down}" "${current:-none}" "${assigned:-none}"
}

# role_from RECOVERY CURRENT ASSIGNED: the decision itself. RECOVERY is t, f or down.
role_from() {
  local -r recovery=$1 current=$2 assigned=$3
  local -r facts="monitor: $current, assigned $assigned; in recovery: $recovery"
  if [[ $current == none ]]; then
    echo "unknown the monitor does not know this node"
    return
  fi
  case $recovery:$(role_class "$current"):$(role_class "$assigned") in
    f:writes:writes) echo "primary $facts" ;;
    # Postgres being down on a node that is no primary is another alarm's matter.
    t:follows:follows | down:follows:follows) echo "standby $facts" ;;
    *) echo "changing $facts" ;;
  esac
}

# What a pg_auto_failover state means for a job that must write.
role_class() {
  case $1 in
    single | primary | wait_primary | join_primary | apply_settings) echo writes ;;
    secondary | catchingup | wait_standby | join_secondary | init | demoted | dropped) echo follows ;;
    maintenance | wait_maintenance) echo follows ;;
    *) echo moves ;;
  esac
}

# Prints primary or standby; returns 3, with the reason on stderr, when undecided.
node_role() {
  ROLE_TIMEOUT_SECONDS=${ROLE_TIMEOUT_SECONDS:-10}
  local answer deadline=$((SECONDS + ${ROLE_WAIT_SECONDS:-30}))
  while true; do
    answer=$(role_once)
    case ${answer%% *} in
      primary | standby)
        echo "${answer%% *}"
        return 0
        ;;
    esac
    ((SECONDS < deadline)) || break
    sleep 2
  done
  echo "role of this node undecided: ${answer#* }" >&2
  return 3
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  case ${1:-} in
    --help | -h)
      role_usage
      exit 0
      ;;
    '') ;;
    *)
      role_usage >&2
      exit 2
      ;;
  esac
  load_backup_env
  node_role
fi
