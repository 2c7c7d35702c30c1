# Restores beside the formation whose `incus` is a stand-in that answers as the real one did, told by environment variables.
# shellcheck disable=SC2034 # what it sets is used by the tests

restore_setup() {
  SCRIPTS="$BATS_TEST_DIRNAME/../../scripts"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  METRICS="$BATS_TEST_TMPDIR/metrics"
  CONFIG="$BATS_TEST_TMPDIR/restore.env"
  mkdir -p "$STUBS" "$METRICS" "$BATS_TEST_TMPDIR/conf" "$BATS_TEST_TMPDIR/exports"
  printf '[global]\nrepo1-type=s3\n[main]\npg1-path=/data\n' >"$BATS_TEST_TMPDIR/conf/pgbackrest.repo1.conf"
  printf '[global]\nrepo1-cipher-pass=x\n' >"$BATS_TEST_TMPDIR/conf/secrets.repo1.conf"
  echo x >"$BATS_TEST_TMPDIR/exports/rclone.conf"
  echo x >"$BATS_TEST_TMPDIR/exports/identity"
  cat >"$CONFIG" <<ENV
STANZA=main
IMAGE=restorable-pg17
PG_MAJOR=17
PG_PATH=/var/lib/postgresql/17/pgaf/node
DATABASE=app
SMOKE_QUERY='SELECT count(*) FROM users'
MIN_USERS_EXPECTED=1000
METRICS_DIR=$METRICS
CONFIG_DIR=$BATS_TEST_TMPDIR/conf
EXPORTS_DIR=$BATS_TEST_TMPDIR/exports
LOCK_DIR=$BATS_TEST_TMPDIR
EXPORTS_ROOT=exports:bucket/exports
HOST=host-a
NODES='pgaf-primary host-a default 10.0.0.1
pgaf-replica host-a default 10.0.0.2'
ENV
  export CALLS="$BATS_TEST_TMPDIR/calls" THERE="$BATS_TEST_TMPDIR/there"
  export PRIMARIES="pgaf-primary" DATABASES="app postgres" KIND="" FETCH=0 COUNTS="1000 1000 public.users" SMOKE_ROWS=1000
  export LISTING="@globals 20260101T010000Z 100 complete
app 20260101T010000Z 5000 complete
app 20260102T010000Z 6000 complete
app 20260103T010000Z 7000 incomplete"
  : >"$CALLS"
  cat >"$STUBS/incus" <<'STUB'
#!/usr/bin/env bash
printf '%s\n' "$*" >>"$CALLS"
[ "$1" != remote ] || exit 0
shift 3 # --quiet --project NAME
all="$*"
case "$1" in
  list) cat "$THERE" 2>/dev/null; exit 0 ;;
  launch) echo "$3" >>"$THERE" ;;
  delete) : >"$THERE" ;;
  exec)
    case "$all" in
      *"pg_is_in_recovery"*) [[ " $PRIMARIES " == *" $2 "* ]] && echo f || echo t ;;
      *"inside.sh list"*) [ -z "${STORE:-}" ] || { echo "$STORE" >&2; exit 12; }; printf '%s\n' "$LISTING" ;;
      *"inside.sh fetch"*) [ "$FETCH" = 0 ] || { echo "said by the container" >&2; exit "$FETCH"; }; echo 8000000 ;;
      *"inside.sh counted"*) printf 'database\tapp\nroles\t3\n' ;;
      *"inside.sh counts"*) printf '%s\n' "$COUNTS" ;;
      *"inside.sh query postgres"*) cat >/dev/null; echo 3 ;;
      *"inside.sh query"*) cat >/dev/null; echo "$SMOKE_ROWS" ;;
      *"inside.sh free"*) echo 99999999999 ;;
      *"inside.sh restore"*) [ -z "${RESTORE:-}" ] || { echo "pg_restore: error: $RESTORE" >&2; exit 1; } ;;
      *"inside.sh properties"*) echo 'CREATE DATABASE "x";' ;;
      *"inside.sh dump"*) echo PGDMP ;;
      *"id -u postgres"*) printf '101\n103\n' ;;
      *'export PGDATABASE=$1'*)
        sql=$(cat)
        printf '%s\n' "$sql" >>"$CALLS"
        case "$sql" in
          *"count(*) FROM pg_database"*) name=${all##*name=}; [[ " $DATABASES " == *" ${name%% *} "* ]] && echo 1 || echo 0 ;;
          *relkind*) echo "$KIND" ;;
        esac ;;
      *pg_restore*) cat >/dev/null ;;
    esac ;;
esac
exit 0
STUB
  chmod +x "$STUBS/incus"
  PATH="$STUBS:$PATH"
}

launched() { grep -q ' launch ' "$CALLS"; }

value() { awk -v s="$1" 'index($0, s " ") == 1 { print $NF }' "$METRICS"/*.prom; }
