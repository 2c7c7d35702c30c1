# Brings up one data node of the formation and waits until the monitor counts it as healthy.
# Runs twice per update that has to: in the settings' order, and once more (WAITS=1) for nodes that had to wait for the primary.
# Settings: MAJOR NAME ADDRESS MONITOR NODE_ADDRESSES CLIENT_NETWORKS DATABASE ROLE CA CERTIFICATE SETTINGS UNITS WAITS
# Secrets: MONITOR_PASSWORD REPLICATION_PASSWORD
. /usr/local/lib/restorable/pg.sh
data=$home/$MAJOR/pgaf/node
. /usr/local/lib/restorable/attach.sh
refuse_other_major node
prepare_home
install_certificates
uri="postgres://autoctl_node@$MONITOR:5432/pg_auto_failover?sslmode=verify-full&sslrootcert=/etc/restorable/tls/ca.crt"
install_file "$home/.pgpass" 0600 postgres < <(
  printf '%s:5432:pg_auto_failover:autoctl_node:%s\n*:*:*:pgautofailover_replicator:%s\n' "$MONITOR" "$MONITOR_PASSWORD" "$REPLICATION_PASSWORD"
)

ask_monitor() { as_postgres psql -X -qAt -d "$uri&connect_timeout=5" -c "$1"; }
wait_for 60 "the monitor at $MONITOR does not answer" ask_monitor 'SELECT 1'
if [ -s "$config" ]; then start_unit; fi
state() { ask_monitor "SELECT reportedstate || '/' || goalstate FROM pgautofailover.node WHERE nodehost = '$ADDRESS'"; }
unsettled="node $NAME does not settle in the formation (see pg_autoctl show state)"
# A node in maintenance was put there by a person: it is left alone.
settled() { case "$(state)" in single/single | primary/primary | wait_primary/wait_primary | secondary/secondary | maintenance/maintenance) accepts ;; *) return 1 ;; esac; }
# The node that takes writes may be one whose own step comes after this one, which cannot settle before it.
settled_or_early() {
  settled || { [ "$WAITS" = 0 ] && accepts && [ "$(ask_monitor "SELECT count(*) FROM pgautofailover.node WHERE nodehost <> '$ADDRESS'
    AND goalstate IN ('single', 'wait_primary', 'primary', 'join_primary', 'apply_settings') AND health <> 1")" != 0 ]; }
}
if [ "$WAITS" = 1 ] && look && [ "$decision" = nothing ]; then
  wait_for 180 "$unsettled" settled
  step_done
  exit 0
fi
if ! attach_node "$WAITS"; then
  say "waits until the primary has registered with the monitor"
  step_done
  exit 0
fi
others=$(ask_monitor "SELECT count(*) FROM pgautofailover.node WHERE nodehost <> '$ADDRESS'")
listed=$(ask_monitor "SELECT count(*) FROM pgautofailover.node WHERE nodehost = '$ADDRESS'")

if [ ! -s "$data/PG_VERSION" ] && [ "$others" = 0 ] && [ "$listed" = 0 ]; then
  rm -rf "$data" "$data.new"
  as_postgres initdb -D "$data.new" -k --auth-local=peer --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 >/dev/null
  mv "$data.new" "$data"
  install_settings "$data"
  say "first cluster of the formation made"
fi
if [ ! -s "$config" ]; then
  if [ ! -s "$data/PG_VERSION" ] && [ "$listed" != 0 ]; then
    [ "$others" != 0 ] || fail "this node's data is lost and no other node has it: restore from a repository (docs/restore.md)"
    say "registered before, but its data is gone: dropped from the monitor, comes back from the primary"
    ask_monitor "SELECT pgautofailover.remove_node('$ADDRESS', 5432, true)" >/dev/null
  fi
  as_postgres pg_autoctl create postgres --pgdata "$data" --pgport 5432 --hostname "$ADDRESS" --name "$NAME" --monitor "$uri" \
    --auth scram-sha-256 --ssl-mode verify-full --ssl-ca-file /etc/restorable/tls/ca.crt \
    --server-cert /etc/restorable/tls/server.crt --server-key /etc/restorable/tls/server.key >/tmp/create-node.log 2>&1 ||
    { grep -E 'ERROR|FATAL' /tmp/create-node.log | tail -5 >&2; fail "pg_autoctl create postgres failed (whole log: /tmp/create-node.log in the container)"; }
  as_postgres pg_autoctl config set --pgdata "$data" timeout.network_partition_timeout 5 >/dev/null
fi
start_unit

wait_for 180 "$unsettled" settled_or_early
settled || say "follows a node that does not answer yet: it settles once that one is back"

# HBA: applications over TLS with a password; the monitor's health check only where it needs to be.
hba=$data/pg_hba.conf
{
  grep -v -e '# restorable$' -e '^hostssl all "\?pgautofailover_monitor"\? .* trust' "$hba"
  echo "hostssl postgres pgautofailover_monitor $MONITOR/32 scram-sha-256 # restorable"
  for network in $CLIENT_NETWORKS; do echo "hostssl \"$DATABASE\" \"$ROLE\" $network scram-sha-256 # restorable"; done
} >"$hba.wanted"
if ! cmp -s "$hba.wanted" "$hba"; then cat "$hba.wanted" >"$hba"; say "pg_hba.conf written"; CHANGED=1; fi
rm -f "$hba.wanted"
install_settings "$data"
if [ "$CHANGED" = 1 ]; then as_postgres psql -X -qAt -d postgres -c 'SELECT pg_reload_conf()' >/dev/null; fi

if [ "$(sql postgres <<<'SELECT pg_is_in_recovery()')" = f ]; then
  sql postgres <<<"$unlogged ALTER ROLE pgautofailover_replicator PASSWORD $(sql_literal "$REPLICATION_PASSWORD"); ALTER ROLE pgautofailover_monitor PASSWORD 'pgautofailover_monitor';"
fi
say "$(state)"
