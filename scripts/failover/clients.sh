# shellcheck shell=bash disable=SC2016,SC2154
# The clients of the failover test, in the monitor's container: it has psql, and it stays.

CLIENTS=n

# push NODE NAMES...: parts of the test into the node's folder, which lies in memory.
push() {
  local node=$1
  shift
  tar -C "$LIB/inside" --owner=0 --group=0 -cf - "$@" |
    inside "$node" 'umask 077; mkdir -p "$1" && tar -C "$1" -xf -' "$FOLDER"
}

# The password goes through standard input into a file for root only, and is removed with the folder.
clients_install() {
  CLIENTS=y
  inside "$MONITOR" 'rm -rf "$1"' "$FOLDER" </dev/null
  push "$MONITOR" client.sh writer.sh watch.sh session.sh
  inside "$MONITOR" 'umask 077; cat >"$1/pgpass"' "$FOLDER" <"$PASSFILE"
}

# client_sql <SQL, as the application at its own connection string. A multi-host string may come upon the dead host first.
client_sql() {
  inside "$MONITOR" 'PGPASSFILE=$1/pgpass exec timeout -k 2 20 psql -X -qAt -F " " -v ON_ERROR_STOP=1 -d "$2"' "$FOLDER" "$URI"
}

schema_make() {
  client_sql >/dev/null 2>&1 <<'SQL'
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS restorable_failover_test CASCADE;
CREATE SCHEMA restorable_failover_test;
-- Without a key: a row that is there twice must be seen.
CREATE TABLE restorable_failover_test.rows (writer text NOT NULL, number bigint NOT NULL);
SQL
}

schema_drop() { client_sql >/dev/null 2>&1 <<<'SET client_min_messages = warning; DROP SCHEMA IF EXISTS restorable_failover_test CASCADE'; }

# Starts the clients on an empty table and waits until each has written.
clients_start() {
  local name probes="" parameters=${URI#*\?}
  for name in "${ALL[@]}"; do
    probes+="$name=postgres://$ROLE@${ADDRESS[$name]}:5432/$DATABASE?${parameters//target_session_attrs=read-write/target_session_attrs=any} "
  done
  client_sql >/dev/null <<<'TRUNCATE restorable_failover_test.rows' || return 1
  inside "$MONITOR" 'rm -rf "$1/history" "$1/log" "$1/servers"; : >"$1/servers"
    exec systemd-run -q --collect --unit=restorable-failover-test-client -p KillSignal=SIGKILL -p RuntimeMaxSec=3600 -E PGPASSFILE="$1/pgpass" \
      -E FOLDER="$1" -E URI="$2" -E WRITERS="$3" -E PROBES="$4" "$1/client.sh"' "$FOLDER" "$URI" "$WRITERS" "$probes" </dev/null
  inside "$MONITOR" 'for i in $(seq 150); do [ "$(grep -c " client " "$1/servers")" -ge "$2" ] && exit 0; sleep 0.2; done; exit 1' \
    "$FOLDER" "$WRITERS" </dev/null
}

clients_stop() { inside "$MONITOR" 'systemctl stop restorable-failover-test-client.service 2>/dev/null; true' </dev/null; }

# What clients were told, and where: into $WORK/history and $WORK/servers. $1 the node that was broken: a client that
# was cut off with it counts as the others do.
clients_collect() {
  inside "$MONITOR" 'cat "$1"/history/*' "$FOLDER" </dev/null >"$WORK/history" || return 1
  inside "$MONITOR" 'cat "$1/servers"' "$FOLDER" </dev/null >"$WORK/servers" || return 1
  [[ $MODE == partition ]] || return 0
  inside "$1" 'cat "$1"/history/* && rm -rf "$1"' "$FOLDER" </dev/null >>"$WORK/history"
}

# Removes all that this file made. 1 when the formation does not take the removal of the schema.
clients_remove() {
  local rc=0
  [[ $CLIENTS == y ]] || return 0
  clients_stop || true
  schema_drop || rc=1
  inside "$MONITOR" 'rm -rf "$1"' "$FOLDER" </dev/null || rc=1
  return "$rc"
}
