# shellcheck shell=bash disable=SC2016,SC2154
# The ways to break a primary, and to repair it. BROKEN names the node that is to be repaired; the trap of the
# script asks for it, so it is set before anything is broken.

BROKEN="" CUT_LIMIT_SECONDS=300

# break_primary MODE NODE
break_primary() {
  case $1 in
    stop)
      BROKEN=$2
      ic "$2" stop --force @ </dev/null
      ;;
    kill)
      BROKEN=$2
      # shellcheck disable=SC2016 # The container's shell expands it.
      inside "$2" 'for pid in $(pgrep -x "postgres|pg_autoctl"); do kill -KILL "$pid" 2>/dev/null || true; done' </dev/null
      ;;
    switchover)
      # pg_autoctl waits for the end; the client is what counts. It prints an error about an integer first (2.2).
      inside "$MONITOR" 'exec systemd-run -q --collect --uid=postgres --unit=restorable-failover-test-switchover -E PATH="$PATH" pg_autoctl perform switchover --pgdata "$1"' "$MONITOR_PGDATA" </dev/null
      ;;
    partition)
      BROKEN=$2
      # The unit heals the link whenever it ends, and ends by itself should nobody come back for it.
      inside "$2" 'exec systemd-run -q --collect --unit=restorable-failover-test-cut -E FOLDER="$1" -p RuntimeMaxSec="$2" -p ExecStopPost="$1/cut.sh heal" "$1/cut.sh" cut "$3"' \
        "$FOLDER" "$CUT_LIMIT_SECONDS" "$DATABASE" </dev/null
      ;;
  esac
}

# Puts back what break_primary took away; safe to call again, and on a node that is whole.
repair() {
  local node=$BROKEN state
  [[ -n $node ]] || return 0
  state=$(ic "$node" list "${INSTANCE[$node]%"$node"}^$node\$" -f csv -c s </dev/null) || state=unknown
  if [[ $state == RUNNING ]]; then
    if [[ $MODE == partition ]]; then
      inside "$node" 'systemctl stop restorable-failover-test-cut.service 2>/dev/null; "$1/cut.sh" heal 2>/dev/null; true' "$FOLDER" </dev/null || return 1
    fi
  else
    ic "$node" start @ </dev/null || return 1
  fi
  BROKEN=""
}
