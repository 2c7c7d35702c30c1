#!/usr/bin/env bats
# X13: when a member's container may be replaced, and what it does first.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  export KIND=data PG_MAJOR=17 PGDATA=/data WAIT_SECONDS=0 SYNC=1 SELF=10.0.0.2 ANSWERS=up BACKUP=inactive
  export NODES="$BATS_TEST_TMPDIR/nodes"
  # NAME HOST HEALTH REPORTED GOAL AGE ID
  nodes "one 10.0.0.1 1 primary primary 1 1" "two 10.0.0.2 1 secondary secondary 1 2"

  stub setpriv <<'STUB'
while [[ $1 != env ]]; do shift; done
shift
while [[ $1 == -C || $1 == *=* ]]; do if [[ $1 == -C ]]; then shift; fi; shift; done
exec "$@"
STUB
  stub pg_autoctl <<'STUB'
case "$*" in
  *pg_autoctl.hostname*) echo "$SELF" ;;
  *pg_autoctl.monitor*) echo "postgres://autoctl_node@monitor/pg_auto_failover" ;;
esac
STUB
  stub systemctl <<'STUB'
[[ $BACKUP != activating ]] || echo "pgbackrest-diff-repo2.service loaded activating start start pgBackRest"
STUB
  # The monitor, whose nodes do what its functions say; and the primary's own view of replication.
  stub psql <<'STUB'
statement=$(cat)
case "$statement" in
  *pg_stat_replication*) [[ $SYNC != down ]] || exit 2; echo "$SYNC"; exit ;;
esac
[[ $ANSWERS == up ]] || { echo 'could not connect' >&2; exit 2; }
case "$statement" in
  *pgautofailover.node*) awk -v self="$SELF" 'BEGIN {OFS = "|"} {print $1, $2, $3, $4, $5, $6, ($2 == self ? "t" : "f"), $7, (ENVIRON["LISTENS"] != "" && ENVIRON["LISTENS"] < $6 ? ENVIRON["LISTENS"] : $6)}' "$NODES" ;;
  *perform_failover*)
    echo switchover >>"$CALLS"
    if [[ ${FAILOVER:-works} == works ]]; then
      awk '{ s = $4 ~ /primary/ ? "secondary" : "primary"; $4 = s; $5 = s; print }' "$NODES" >"$NODES.new" && mv "$NODES.new" "$NODES"
    else
      echo "$FAILOVER" >&2
      exit 3
    fi
    ;;
  *start_maintenance*)
    echo "maintenance ${statement//[^0-9]/}" >>"$CALLS"
    awk -v self="$SELF" '{ s = $2 == self ? "maintenance" : "wait_primary"; $4 = s; $5 = s; print }' "$NODES" >"$NODES.new" && mv "$NODES.new" "$NODES"
    ;;
  *stop_maintenance*)
    echo "back ${statement//[^0-9]/}" >>"$CALLS"
    awk -v self="$SELF" '{ s = $2 == self ? "secondary" : "primary"; $4 = s; $5 = s; print }' "$NODES" >"$NODES.new" && mv "$NODES.new" "$NODES"
    ;;
esac
STUB
}

nodes() { printf '%s\n' "$@" >"$NODES"; }

replacement() {
  run --separate-stderr "$SCRIPTS/replacement.sh" "$@"
}

# refused ACTION REASON: exit 3, the reason, and nothing done.
refused() {
  # shellcheck disable=SC2086
  replacement $1
  echo "status $status: $stderr"
  [ "$status" -eq 3 ]
  [[ $stderr == *"refused: "*"$2"* ]]
  [ ! -s "$CALLS" ]
}

@test "a healthy standby goes: into maintenance, without a switchover" {
  replacement check
  [ "$status" -eq 0 ]
  [ ! -s "$CALLS" ]
  replacement prepare
  [ "$status" -eq 0 ]
  [ "$(cat "$CALLS")" = "maintenance 2" ]
}

@test "a primary switches over first, and goes as a standby" {
  export SELF=10.0.0.1
  replacement check
  [ "$status" -eq 0 ]
  [ ! -s "$CALLS" ]
  replacement prepare
  [ "$status" -eq 0 ]
  [ "$(tr '\n' , <"$CALLS")" = "switchover,maintenance 1," ]
}

@test "a switchover that the monitor refuses ends it, before anything is stopped" {
  SELF=10.0.0.1 FAILOVER='ERROR: no candidate' replacement prepare
  [ "$status" -eq 1 ]
  [[ $stderr == *"the monitor refused perform_failover('default', 0): ERROR: no candidate"* ]]
  [ "$(cat "$CALLS")" = switchover ]
}

@test "an unhealthy peer is refused" {
  nodes "one 10.0.0.1 1 primary primary 1 1" "two 10.0.0.2 0 secondary secondary 1 2"
  SELF=10.0.0.1 refused prepare "node two is not healthy"
  SELF=10.0.0.2 refused check "node two is not healthy"
}

@test "a peer whose health is unknown, that is silent, or that is changing is refused" {
  nodes "one 10.0.0.1 1 primary primary 1 1" "two 10.0.0.2 -1 secondary secondary 1 2"
  SELF=10.0.0.1 refused prepare "node two is not healthy"
  nodes "one 10.0.0.1 1 primary primary 1 1" "two 10.0.0.2 1 secondary secondary 60 2"
  SELF=10.0.0.1 refused prepare "node two has not reported to the monitor for 60 s"
  nodes "one 10.0.0.1 1 primary primary 1 1" "two 10.0.0.2 1 catchingup secondary 1 2"
  SELF=10.0.0.1 refused prepare "node two is on its way from catchingup to secondary"
}

@test "a peer that has been silent for long is not waited for, unless the monitor itself has just started" {
  export WAIT_SECONDS=4
  nodes "one 10.0.0.1 1 primary primary 300 1" "two 10.0.0.2 1 secondary secondary 1 2"
  SECONDS=0
  replacement check
  [ "$status" -eq 3 ]
  [ "$SECONDS" -lt 3 ]
  [[ $stderr == *"node one has not reported to the monitor for 300 s"* ]]
  SECONDS=0
  export LISTENS=2
  replacement check
  [ "$status" -eq 3 ]
  [ "$SECONDS" -ge 3 ]
}

@test "an asynchronous peer is refused, whatever the monitor says" {
  SELF=10.0.0.1 SYNC=0 refused prepare "no standby streams synchronously from the primary at 10.0.0.1"
  SELF=10.0.0.2 SYNC=0 refused prepare "no standby streams synchronously from the primary at 10.0.0.1"
  SELF=10.0.0.2 SYNC=down refused prepare "the primary at 10.0.0.1 does not answer"
}

@test "a node that stands alone is refused" {
  nodes "one 10.0.0.1 1 single single 1 1"
  SELF=10.0.0.1 refused prepare "no standby"
  nodes "one 10.0.0.1 1 wait_primary wait_primary 1 1" "two 10.0.0.2 1 catchingup catchingup 1 2"
  SELF=10.0.0.1 refused prepare "node one is wait_primary"
}

@test "maintenance that a person began is left alone" {
  nodes "one 10.0.0.1 1 wait_primary wait_primary 1 1" "two 10.0.0.2 1 maintenance maintenance 1 2"
  SELF=10.0.0.2 refused check "node one is wait_primary"
  SELF=10.0.0.1 refused check "node one is wait_primary"
}

@test "a monitor that cannot be reached is refused" {
  ANSWERS=down refused prepare "the monitor does not answer: could not connect"
}

@test "a node that the monitor does not know is refused" {
  SELF=10.0.0.9 refused prepare "the monitor does not know this node"
}

@test "a running backup is waited for, then refused" {
  BACKUP=activating refused prepare "a backup runs here (pgbackrest-diff-repo2.service)"
}

@test "begun before: in maintenance, with a peer that writes, it goes on" {
  nodes "one 10.0.0.1 1 wait_primary wait_primary 1 1" "two 10.0.0.2 0 maintenance maintenance 90 2"
  replacement prepare --begun
  [ "$status" -eq 0 ]
  [ ! -s "$CALLS" ]
}

@test "begun before, but the peer is not well, or this node takes the writes by now: refused" {
  nodes "one 10.0.0.1 0 wait_primary wait_primary 1 1" "two 10.0.0.2 1 maintenance maintenance 1 2"
  refused "prepare --begun" "node one is not healthy"
  nodes "one 10.0.0.1 0 demoted demoted 90 1" "two 10.0.0.2 1 wait_primary wait_primary 1 2"
  refused "prepare --begun" "node one is not healthy"
}

@test "rejoined ends the maintenance, and fails while no standby replicates" {
  nodes "one 10.0.0.1 1 wait_primary wait_primary 1 1" "two 10.0.0.2 1 maintenance maintenance 1 2"
  replacement rejoined --begun
  [ "$status" -eq 0 ]
  [ "$(cat "$CALLS")" = "back 2" ]
  [[ $stderr == *"a healthy member again (secondary)"* ]]
  SYNC=0 replacement rejoined --begun
  [ "$status" -eq 1 ]
  [[ $stderr == *"this node has not rejoined: no standby streams synchronously"* ]]
}

@test "the monitor goes only from a whole formation; one that was begun has nobody to ask" {
  export KIND=monitor
  replacement prepare
  [ "$status" -eq 0 ]
  nodes "one 10.0.0.1 1 primary primary 1 1" "two 10.0.0.2 0 secondary secondary 1 2"
  refused prepare "node two is not healthy"
  ANSWERS=down refused prepare "the monitor does not answer"
  ANSWERS=down replacement prepare --begun
  [ "$status" -eq 0 ]
}

@test "--help and wrong use" {
  replacement --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
  replacement nonsense
  [ "$status" -eq 64 ]
  replacement
  [ "$status" -eq 64 ]
}
