# shellcheck shell=bash disable=SC2016,SC2153
# The formation as a restore sees it: its primary, reached through Incus as its own superuser by the local socket, so that
# no password is needed. Settings: HOST, NODES (lines `NAME HOST PROJECT ADDRESS`), INCUS_PROJECT.

PRIMARY="" PRIMARY_PROJECT="" PRIMARY_INSTANCE=""

# at_node PROJECT INSTANCE COMMAND [WORDS...]: bash in a node's container as postgres; its standard input is this function's.
at_node() {
  local project=$1 instance=$2 script=$3
  shift 3
  incus --quiet --project "$project" exec "$instance" --cwd / -- runuser -u postgres -- bash -c "set -euo pipefail; $script" bash "$@" 9>&-
}

# at_primary COMMAND [WORDS...]
at_primary() { at_node "$PRIMARY_PROJECT" "$PRIMARY_INSTANCE" "$@"; }

# primary_sql DATABASE [PSQL-WORDS...] <SQL
primary_sql() {
  local database=$1
  shift
  at_primary 'export PGDATABASE=$1; shift; exec psql -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@" -f -' "$database" "$@"
}

# Sets PRIMARY: the one node that is not in recovery. A node on another Incus host is reached through the remote of that
# host's name, if the client here knows one.
find_primary() {
  local name host project instance remotes answer found=()
  remotes="$(incus remote list -f csv 2>/dev/null </dev/null | cut -d, -f1)" || true
  while read -r name host project _; do
    [ -n "$name" ] || continue
    instance=$name
    if [ "$host" != "$HOST" ] && grep -qxF -e "$host" <<<"$remotes"; then instance=$host:$name; fi
    answer="$(at_node "$project" "$instance" 'PGCONNECT_TIMEOUT=5 timeout 20 psql -XAtqc "SELECT pg_is_in_recovery()" -d postgres' </dev/null 2>/dev/null)" || continue
    [ "$answer" = f ] || continue
    found+=("$name")
    PRIMARY=$name PRIMARY_PROJECT=$project PRIMARY_INSTANCE=$instance
  done <<<"$NODES"
  case ${#found[@]} in
    1) ;;
    0) verdict unverified no_primary "no data node that can be reached from here takes writes" ;;
    *) verdict unverified no_primary "more than one data node takes writes: ${found[*]}" ;;
  esac
}

# in_formation DATABASE: exit 0 when the formation has it.
in_formation() {
  local answer
  answer="$(primary_sql postgres -v "name=$1" <<<"SELECT count(*) FROM pg_database WHERE datname = :'name'" 2>"$WORK/err")" ||
    verdict unverified no_primary "$PRIMARY: $(headline "$(cat "$WORK/err")")"
  [ "$answer" = 1 ]
}

# confirmed WHAT: has --yes been given, or does a person at the terminal type yes?
confirmed() {
  local answer=""
  [ "$YES" != y ] || return 0
  [ -t 0 ] || verdict refused not_confirmed "$1: needs --yes where nobody can be asked"
  read -r -p "$1. Type yes: " answer
  [ "$answer" = yes ] || verdict refused not_confirmed "not confirmed, nothing done"
}

LOADING=""

# load_database NAME PROPERTIES-COMMAND DUMP-COMMAND: an archive of pg_dump as database NAME of the formation, which must not
# be there. Both are names of functions: statements that make it, under the name LOADING; the archive.
load_database() {
  local name=$1 properties=$2 dump=$3
  # Under another name until it is whole: nobody takes half of it for a database.
  LOADING="restoring_$(date -u +%Y%m%d%H%M%S)_$$"
  "$properties" "$LOADING" >"$WORK/properties" || verdict unverified check_failed "$(headline "$(cat "$WORK/err")")"
  primary_sql postgres <"$WORK/properties" >/dev/null 2>"$WORK/err" || verdict fail load_failed "$(load_error)"
  attended load_stream "$dump" >/dev/null 2>"$WORK/err" || verdict fail load_failed "$(load_error)"
  primary_sql postgres -v "old=$LOADING" -v "new=$name" <<<'ALTER DATABASE :"old" RENAME TO :"new"' 2>"$WORK/err" ||
    verdict fail load_failed "$(load_error)"
  LOADING=""
}

load_stream() {
  "$1" | at_primary 'exec "/usr/lib/postgresql/$1/bin/pg_restore" --exit-on-error -d "$2"' "$PG_MAJOR" "$LOADING"
}

load_error() { headline "$(grep -iE 'error:|FATAL:' "$WORK/err" || cat "$WORK/err")"; }

# set_aside NAME OTHER: renames a database that is in use; its sessions end.
set_aside() {
  primary_sql postgres -v "old=$1" -v "new=$2" >/dev/null 2>"$WORK/err" <<'SQL' || verdict fail load_failed "$(load_error)"
ALTER DATABASE :"old" ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :'old';
ALTER DATABASE :"old" RENAME TO :"new";
ALTER DATABASE :"new" ALLOW_CONNECTIONS true;
SQL
}

# What a load that was cut off left in the formation.
undo_load() {
  [ -n "$LOADING" ] || return 0
  primary_sql postgres -v "name=$LOADING" <<<'DROP DATABASE IF EXISTS :"name" WITH (FORCE)' >/dev/null 2>&1 ||
    printf '%s\n' "database $LOADING on $PRIMARY is half of one: drop it" >&2
}
