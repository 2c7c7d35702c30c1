#!/usr/bin/env bash
# The part of an export's restore that runs in an ephemeral container, as postgres: what is in the bucket, one export
# fetched and compared with its seal, decrypted, restored into a cluster of the container's own.
# usage: inside.sh list|fetch|dump|... (see the case at the end)
set -euo pipefail

run=${EXPORT_RUN:-/run/restorable-drill}
folder=${EXPORT_FOLDER:-/var/lib/postgresql/restorable-export}
port=5499
export EXPORTS_ROOT=${EXPORTS_ROOT:?} RCLONE_FILE=$run/rclone.conf STORE_CA=''
[ ! -r "$run/store-ca.crt" ] || STORE_CA=$run/store-ca.crt
# shellcheck source=scripts/export/store.sh
. "$run/store.sh"
# shellcheck source=scripts/restore/properties.sh
. "$run/properties.sh"
bin="/usr/lib/postgresql/${PG_MAJOR:?}/bin"
data=$folder/cluster
export LC_ALL=C

# Exit codes beside 0: what is there is no good, or the store does not say.
damaged=10 wrong_key=11 no_answer=12

psql_on() { local database=$1; shift; PGDATABASE=$database psql -X -A -t -q -v ON_ERROR_STOP=1 -h "$run" -p "$port" "$@"; }

# fetch FOLDER STAMP: leaves the decrypted dump and counts in $folder, and roles where they were dumped with it. Prints the
# size of the database that was dumped.
fetch() {
  local path=$1/$2 seal name sum bytes
  install -d -m 0700 "$folder"
  seal=$(store cat "$EXPORTS_ROOT/$path.dump.age.sha256") || exit "$no_answer"
  # rclone takes an object that is not there for an empty folder.
  if [ -z "$seal" ]; then
    echo "$path.dump.age.sha256 is not there any more" >&2
    exit "$damaged"
  fi
  for name in dump counts roles; do
    rm -f "$folder/$name"
    if [ "$name" = roles ] && [ -z "$(seal_sum "$seal" "$2.roles.age")" ]; then continue; fi
    store cat "$EXPORTS_ROOT/$path.$name.age" >"$folder/$name.age" || exit "$no_answer"
    sum=$(sha256sum <"$folder/$name.age")
    if [ "${sum%% *}" != "$(seal_sum "$seal" "$2.$name.age")" ]; then
      echo "$path.$name.age is not what was exported: $(stat -c %s "$folder/$name.age") bytes, its checksum is another one" >&2
      exit "$damaged"
    fi
    decrypt "$name"
    rm -f "$folder/$name.age"
  done
  bytes=$(seal_value "$seal" database-bytes)
  echo "${bytes:-0}"
}

decrypt() {
  age --decrypt --identity "$run/identity" "$folder/$1.age" >"$folder/$1" 2>"$folder/age" && return
  cat "$folder/age" >&2
  rm -f "$folder/$1"
  if grep -q 'no identity matched' "$folder/age"; then exit "$wrong_key"; fi
  exit "$damaged"
}

# A new, empty cluster: a socket only, no archiving.
cluster() {
  rm -rf "$data"
  install -d -m 0700 "$folder"
  "$bin/initdb" -D "$data" -k --auth=peer -E UTF8 --locale=C.UTF-8 >/dev/null
  # Nothing here has to survive a crash.
  "$bin/pg_ctl" -D "$data" -w -t 60 -l "$run/postgres.log" -o "-c listen_addresses= -c unix_socket_directories=$run -c port=$port \
    -c archive_mode=off -c max_logical_replication_workers=0 -c fsync=off -c full_page_writes=off -c lc_messages=C" start >/dev/null
}

# The roles of the cluster that was dumped, from what was fetched. That of this one's own superuser is there already.
roles() { sed -e '/^CREATE ROLE postgres;$/d' "$folder/${1:-dump}" | psql_on postgres -f - >/dev/null; }

# unowned OPTION...: without owners and grants where pg_restore leaves them out too.
unowned() {
  case " $* " in
    *" --no-owner "*) sed -E '/^(GRANT|REVOKE) |^ALTER DATABASE .* OWNER TO /d' ;;
    *) cat ;;
  esac
}

# restore NAME [OPTION...]: the fetched dump as database NAME of the container's cluster; pg_restore's further options.
restore() {
  local name=$1
  shift
  # `postgres` comes with the cluster.
  [ "$name" = postgres ] || database_properties "$bin/pg_restore" "$folder/dump" "$name" | unowned "$@" | psql_on postgres -f - >/dev/null
  "$bin/pg_restore" --exit-on-error "$@" -h "$run" -p "$port" -d "dbname='${name//\'/\\\'}'" "$folder/dump"
}

# Relations of one database; what is not well goes to standard output.
# The name is a pattern of psql's: quoted, it stands for itself.
amcheck() { "$bin/pg_amcheck" -h "$run" -p "$port" --database "\"${1//\"/\"\"}\"" --install-missing --heapallindexed; }

# counts NAME: for each table that the export counted a line `ROWS-THEN ROWS-NOW TABLE`; ROWS-NOW is `missing` for one
# that is not there.
counts() {
  local table rows now
  # The names were quoted when they were counted.
  while IFS=$'\t' read -r table rows; do
    now=$(psql_on "$1" -c "SELECT count(*) FROM ONLY $table" 2>/dev/null) || now=missing
    printf '%s %s %s\n' "$rows" "$now" "$table"
  done <"$folder/counts"
}

case "${1:-}" in
  list) all_exports "${2:-}" || exit "$no_answer" ;;
  fetch) fetch "$2" "$3" ;;
  # What was fetched, to standard output.
  dump | counted) cat "$folder/${1/counted/counts}" ;;
  # Whether roles were dumped beside it.
  has-roles) [ -s "$folder/roles" ] ;;
  properties) database_properties "$bin/pg_restore" "$folder/dump" "$2" ;;
  cluster) cluster ;;
  roles) roles "${2:-}" ;;
  restore) restore "${@:2}" ;;
  amcheck) amcheck "$2" ;;
  stop) "$bin/pg_ctl" -D "$data" -m immediate -w -t 30 stop >/dev/null ;;
  counts) counts "$2" ;;
  query) psql_on "$2" -v VERBOSITY=verbose -f - ;;
  drop) psql_on postgres -v "name=$2" -f - <<<'DROP DATABASE IF EXISTS :"name" WITH (FORCE)' >/dev/null ;;
  free) df --output=avail -B1 "$(dirname "$folder")" | tail -n 1 | tr -d ' ' ;;
  *) echo "usage: inside.sh list|fetch|dump|counted|has-roles|properties|cluster|roles|restore|amcheck|counts|query|drop|stop|free" >&2; exit 64 ;;
esac
