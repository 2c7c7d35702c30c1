# Brings up the pg_auto_failover monitor: TLS, scram-sha-256, health checks as set.
# Settings: MAJOR ADDRESS NODE_ADDRESSES CA CERTIFICATE SETTINGS UNITS. Secrets: MONITOR_PASSWORD
. /usr/local/lib/restorable/pg.sh
data=$home/$MAJOR/pgaf/monitor
refuse_other_major monitor
prepare_home
install_certificates

if [ ! -s "$data/PG_VERSION" ]; then
  rm -rf "$data" "$data.new"
  as_postgres initdb -D "$data.new" -k --auth-local=peer --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 >/dev/null
  mv "$data.new" "$data"
  say "cluster of the monitor made"
fi
if [ ! -s "$home/.config/pg_autoctl$data/pg_autoctl.cfg" ]; then
  as_postgres pg_autoctl create monitor --pgdata "$data" --pgport 5432 --hostname "$ADDRESS" --auth scram-sha-256 \
    --ssl-mode verify-full --ssl-ca-file /etc/restorable/tls/ca.crt --server-cert /etc/restorable/tls/server.crt \
    --server-key /etc/restorable/tls/server.key >/tmp/create-monitor.log 2>&1 || { tail -5 /tmp/create-monitor.log >&2; fail "pg_autoctl create monitor failed"; }
fi

# The monitor's own listener connects as autoctl_node over the socket; nodes over TLS with a password, by address.
install_file "$data/pg_hba.conf" 0600 postgres < <(
  echo "local pg_auto_failover autoctl_node peer map=pgaf"
  echo "local all postgres peer"
  for node in $NODE_ADDRESSES; do echo "hostssl pg_auto_failover autoctl_node $node/32 scram-sha-256"; done
)
install_file "$data/pg_ident.conf" 0600 postgres <<<$'pgaf postgres autoctl_node\npgaf postgres postgres'
install_settings "$data"
start_unit
wait_for 60 "the monitor accepts no connections" accepts
if [ "$CHANGED" = 1 ]; then as_postgres psql -X -qAt -d postgres -c 'SELECT pg_reload_conf()' >/dev/null; fi
registered() { [ "$(sql pg_auto_failover <<<"SELECT 1 FROM pg_roles WHERE rolname = 'autoctl_node'")" = 1 ]; }
wait_for 60 "pg_autoctl has not made its role on the monitor" registered
sql pg_auto_failover <<<"$unlogged ALTER ROLE autoctl_node PASSWORD $(sql_literal "$MONITOR_PASSWORD")"
