#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What lives in Docker, on a docker that answers as the real one does.

load metrics_helper

setup() {
  metrics_setup
  printf "METRICS_DIRECTORY='%s'\nHOST='docker-1'\n" "$METRICS" >"$BATS_TEST_TMPDIR/inventory.env"
  export RESTORABLE_INVENTORY_ENV="$BATS_TEST_TMPDIR/inventory.env" CALLS="$BATS_TEST_TMPDIR/calls"
  stub docker <<'STUB'
echo "$*" >>"$CALLS"
[ "${DOCKER:-up}" = up ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }
case "$*" in
  'ps --format'*) printf '%s\n' shop-db web silent idle ;;
  'top shop-db'*) printf 'PID COMMAND\n 71 postgres\n' ;;
  'top web'*) printf 'PID COMMAND\n 72 nginx\n' ;;
  'top'*) printf 'PID COMMAND\n 73 bash\n' ;;
  *'inspect'*' silent') printf 'PATH=/bin\nPGDATA=/data\n' ;;
  *'inspect'*' shop-db') printf 'POSTGRES_USER=shop\n' ;;
  *'inspect'*) printf 'PATH=/bin\n' ;;
  *'exec shop-db'*'-U shop'*pg_stat_file*) [ "${FILES:-yes}" = yes ] || exit 1; printf '1700000000\torders\n1700000001\tit"s\n' ;;
  *'exec shop-db'*'-U shop'*) printf '0\torders\n' ;;
  *'exec silent'*) echo 'psql: error: no password supplied' >&2; exit 2 ;;
  'volume ls -q') printf '%s\n' shop-data orphan ;;
  *'volume=shop-data'*) printf '%s\n' shop-db ;;
  *'volume=orphan'*) ;;
  *) exit 9 ;;
esac
STUB
}

inventory() { run --separate-stderr timeout 60 "$SCRIPTS/coverage/docker-inventory.sh"; }
file=restorable_coverage_docker.prom
database() { printf 'restorable_live_%s{place="docker",namespace="docker-1",source="%s",database="%s"}' "$1" "$2" "$3"; }

@test "every database of every Postgres that runs, and every volume with its container, whoever made them" {
  inventory
  [ "$status" -eq 0 ]
  [ "$(stat -c %a "$METRICS/$file")" = 644 ]
  is $file "$(database database shop-db orders)" 1
  is $file "$(database created_timestamp_seconds shop-db orders)" 1700000000
  grep -qF "$(database database shop-db 'it\"s') 1" "$METRICS/$file"
  is $file "$(database database silent '(unknown)')" 1
  run ! grep -qE 'source="(web|idle)"' "$METRICS/$file"
  is $file 'restorable_live_volume{place="docker",namespace="docker-1",source="shop-db",name="shop-data"}' 1
  is $file 'restorable_live_volume{place="docker",namespace="docker-1",source="",name="orphan"}' 1
  [ "$(value $file 'restorable_live_timestamp_seconds{place="docker",reporter="docker-1"}')" -gt 1700000000 ]
  FILES=no inventory
  is $file "$(database database shop-db orders)" 1
  run ! grep -q 'created_timestamp_seconds{' "$METRICS/$file"
}

@test "without an answer of Docker the inventory stays as it was, its time included" {
  inventory
  touch -d @1000 "$METRICS/$file"
  DOCKER=down inventory
  [ "$status" -eq 1 ]
  [[ $stderr == *"stays as it was"* ]]
  [ "$(stat -c %Y "$METRICS/$file")" -eq 1000 ]
}
