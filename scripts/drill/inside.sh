#!/usr/bin/env bash
# The part of the restore drill that runs inside the drill's container, as postgres.
# usage: inside.sh info|list|restore|start|wait|...   (see the case at the end)
set -euo pipefail

: "${DRILL_STANZA:?}" "${DRILL_REPO:?}" "${DRILL_DATA:?}" "${DRILL_MAJOR:?}"
run_dir=/run/restorable-drill
bin="/usr/lib/postgresql/$DRILL_MAJOR/bin"
port=5499

pgbr() { pgbackrest --stanza="$DRILL_STANZA" --repo="$DRILL_REPO" --pg1-path="$DRILL_DATA" "$@"; }
sql() { psql -X -A -t -q -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -h "$run_dir" -p "$port" "$@"; }

# First guard against archiving: the restored configuration says archive_mode=off.
restore() {
  local target="${1:-}" args=(--archive-mode=off --log-level-console=info)
  [ -z "$target" ] || args+=(--type=time "--target=$target" --target-action=promote)
  pgbr "${args[@]}" restore
}

# Second and third guard: archive_mode and archive_command on the server's own command line win over
# every file. The rest keeps the copy from calling the formation or anything that its data name:
# no standby connection, no subscription worker, no preloaded extension, a socket of its own.
start() {
  local limit="$1" opts="" setting
  printf 'local all all peer\n' >"$run_dir/hba.conf"
  : >"$run_dir/ident.conf"
  local settings=(
    archive_mode=off archive_command=/bin/false
    listen_addresses= "unix_socket_directories=$run_dir" "port=$port"
    "hba_file=$run_dir/hba.conf" "ident_file=$run_dir/ident.conf" ssl=off cluster_name=drill
    primary_conninfo= primary_slot_name= synchronous_standby_names= shared_preload_libraries=
    max_logical_replication_workers=0 default_transaction_read_only=off shared_buffers=128MB huge_pages=off
    logging_collector=off log_destination=stderr lc_messages=C log_min_messages=warning
  )
  for setting in "${settings[@]}"; do opts+=" -c $setting"; done
  "$bin/pg_ctl" -D "$DRILL_DATA" -w -t "$limit" -l "$run_dir/postgres.log" -o "$opts" start >/dev/null
  [ "$(sql -d postgres -c "SELECT current_setting('archive_mode')")" = off ] || { echo "the copy could archive" >&2; return 9; }
}

# Ready is not enough: a server answers while it still replays.
wait_recovered() {
  local state
  while :; do
    "$bin/pg_ctl" -D "$DRILL_DATA" status >/dev/null 2>&1 || return 3
    state="$(sql -d postgres -c 'SELECT pg_is_in_recovery()' 2>/dev/null || true)"
    [ "$state" != f ] || return 0
    sleep 0.2
  done
}

# One line: <end LSN> <segment size, bytes> <new timeline, 8 hex> <time of the last commit replayed, s>, then the new
# timeline's history file.
facts() {
  local line timeline
  line="$(sql -d postgres -F ' ' -c "SELECT pg_last_wal_replay_lsn(),
    (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
    left(pg_walfile_name(pg_current_wal_lsn()), 8),
    floor(extract(epoch FROM pg_last_xact_replay_timestamp()))::bigint")"
  printf '%s\n' "$line"
  read -r _ _ timeline _ <<<"$line"
  cat "$DRILL_DATA/pg_wal/$timeline.history"
}

# Every object of the repository: JSON, path -> type, size, time.
list() { pgbackrest --repo="$DRILL_REPO" --io-timeout="$1" --log-level-console=off repo-ls --recurse --output=json; }

# Exit 0: the repository's history file of this timeline is the copy's own; 1: it is not; else the repository's error.
own_history() {
  local rc=0
  pgbr --no-archive-async --log-level-console=warn archive-get "$1.history" "$run_dir/probe-history" || rc=$?
  [ "$rc" = 0 ] || return "$rc"
  cmp -s "$run_dir/probe-history" "$DRILL_DATA/pg_wal/$1.history"
}

# Progress goes to stderr, relations that are not well to stdout. Exit 2: there are some.
amcheck() { "$bin/pg_amcheck" -h "$run_dir" -p "$port" --all --install-missing --heapallindexed --progress --jobs="$1"; }

# Bytes of a dump of everything, which goes nowhere (-f /dev/null fails: it wants to be replaced).
dump() { "$bin/pg_dumpall" -h "$run_dir" -p "$port" | wc -c; }

case "${1:-}" in
  info) pgbackrest --stanza="$DRILL_STANZA" --repo="$DRILL_REPO" --io-timeout="$2" --log-level-console=off info --output=json ;;
  list) list "$2" ;;
  restore) restore "${2:-}" ;;
  start) start "$2" ;;
  wait) wait_recovered ;;
  facts) facts ;;
  query) sql -d "$2" -f - ;;
  log) cat "$run_dir/postgres.log" ;;
  # Exit 0: the repository holds the segment; 1: it does not; else the repository's own error.
  segment) pgbr --no-archive-async --log-level-console=warn archive-get "$2" "$run_dir/probe-segment" ;;
  own-history) own_history "$2" ;;
  amcheck) amcheck "$2" ;;
  dump) dump ;;
  stop) "$bin/pg_ctl" -D "$DRILL_DATA" -m fast -w -t "${2:-60}" stop >/dev/null ;;
  checksums) "$bin/pg_checksums" --check -D "$DRILL_DATA" ;;
  *)
    echo "usage: inside.sh info|list|restore|start|wait|facts|query|log|segment|own-history|amcheck|dump|stop|checksums" >&2
    exit 64
    ;;
esac
