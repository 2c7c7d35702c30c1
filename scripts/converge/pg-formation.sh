# Sets the formation's synchronous replication policy on the monitor. Runs in the monitor's container.
# Settings: MAJOR NUMBER_SYNC_STANDBYS NODE_NAMES
. /usr/local/lib/restorable/pg.sh
data=$home/$MAJOR/pgaf/monitor
ctl() { as_postgres pg_autoctl "$@" 2>/tmp/pg-formation.log || { grep -E 'ERROR|FATAL' /tmp/pg-formation.log | tail -3 >&2; return 1; }; }

set_number() {
  local current
  current=$(sql pg_auto_failover <<<"SELECT number_sync_standbys FROM pgautofailover.formation WHERE formationid = 'default'")
  [ "$current" != "$NUMBER_SYNC_STANDBYS" ] || return 0
  # Through the monitor's own function: pg_autoctl 2.2 takes no 0.
  sql pg_auto_failover <<<"SELECT pgautofailover.set_formation_number_sync_standbys('default', $NUMBER_SYNC_STANDBYS)" >/dev/null ||
    fail "number_sync_standbys cannot be $NUMBER_SYNC_STANDBYS (it is $current)"
  say "number_sync_standbys $current -> $NUMBER_SYNC_STANDBYS"
}

for node in $NODE_NAMES; do
  quorum=$(sql pg_auto_failover <<<"SELECT replicationquorum FROM pgautofailover.node WHERE nodename = '$node'")
  [ -n "$quorum" ] || fail "node $node is not registered"
  if [ "$quorum" != t ]; then
    ctl set node replication-quorum true --pgdata "$data" --name "$node" >/dev/null || fail "replication-quorum of $node cannot be set"
    say "replication-quorum of $node: true"
  fi
done

# Fewer acknowledgements before fewer nodes: the other way round, commits would wait for a standby that left.
set_number

# A node that the settings no longer name leaves the formation; never the one that takes the writes.
while IFS='|' read -r node role; do
  case " $NODE_NAMES " in *" $node "*) continue ;; esac
  case "$role" in *primary | single) fail "node $node is the primary and not in the settings any more: switch over first (pg_autoctl perform switchover)" ;; esac
  # By force: its container goes in the same update, and a node that is stuck would hold the whole formation up.
  ctl drop node --force --pgdata "$data" --name "$node" >/dev/null || fail "node $node cannot be dropped from the formation"
  say "node $node dropped"
done < <(sql pg_auto_failover <<<"SELECT nodename, reportedstate FROM pgautofailover.node")
