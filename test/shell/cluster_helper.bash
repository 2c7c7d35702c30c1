# The files of a job's pod, and stand-ins for the database and the Pushgateway. After node_setup and export_setup.
# shellcheck disable=SC2034 # what it sets is used by the tests

cluster_setup() {
  KUBERNETES="$BATS_TEST_DIRNAME/../../scripts/kubernetes"
  export RESTORABLE_ETC="$BATS_TEST_TMPDIR/etc" PUSHED="$BATS_TEST_TMPDIR/pushed"
  mkdir -p "$RESTORABLE_ETC"/{store,public,database,identity} "$PUSHED" "$BATS_TEST_TMPDIR/tmp"
  export TMPDIR="$BATS_TEST_TMPDIR/tmp"
  cp "$RCLONE_CONF" "$RESTORABLE_ETC/store/rclone.conf"
  cp "$BATS_TEST_TMPDIR/recipients" "$RESTORABLE_ETC/public/recipients"
  echo app >"$RESTORABLE_ETC/database/username"
  echo 'pass:word' >"$RESTORABLE_ETC/database/password"
  export NAME=orders NAMESPACE=shop SOURCE=db DATABASE=app PGHOST=db.shop.svc PGPORT=5432 MAJOR=99 RETENTION_DAYS=30
  export EXPORTS_ROOT=exports:bucket/exports PUSHGATEWAY_URL=http://push:9091 STANZA=main METRICS_PREFIX=veza MAX_AGE_HOURS=30
  export FLOOR_QUERY='SELECT count(*) FROM users' FLOOR_MINIMUM=10 ROWS=100 SERVER=170006 CLIENT=17.6
  cat >"$RESTORABLE_ETC/public/backups.json" <<'JSON'
{"databases": [{"name": "orders", "namespace": "shop", "source": "db", "database": "app", "major": 99,
                "query": "SELECT count(*) FROM users", "minimum": 10}],
 "cnpg": []}
JSON
  stub pg_dump <<'STUB'
if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) $CLIENT"; exit; fi
echo "pg_dump $*" >>"$CALLS"
[ -z "${SLOW_DUMP:-}" ] || sleep 60
[ -z "${STARTED:-}" ] || touch "$STARTED"
echo "dump of $PGDATABASE"
[ -z "${FAILING_DUMP:-}" ]
STUB
  stub pg_dumpall <<'STUB'
echo "pg_dumpall $*" >>"$CALLS"
[ -z "${NO_ROLES:-}" ] || { echo "${NO_ROLES}" >&2; exit 1; }
[[ -z "${NO_PASSWORDS:-}" || $* == *--no-role-passwords* ]] || { echo "permission denied for table pg_authid" >&2; exit 1; }
echo "CREATE ROLE app;"
STUB
  stub psql <<'STUB'
grep -q 'pass..word' "$PGPASSFILE" && [ "$(stat -c %a "$PGPASSFILE")" = 600 ] || exit 2
case "$*" in
  *server_version_num*) echo "$SERVER"; exit ;;
  *"FROM pg_database"*) printf 'app\nother\n'; exit ;;
  *"FROM users"*) echo "$ROWS"; exit ;;
esac
while read -r line; do
  case $line in
    *pg_export_snapshot*) printf '00000004-1\t12345678\n' ;;
    '\gexec') printf 'public.users\t1000\n' ;;
    '\echo end') echo end ;;
  esac
done
STUB
  # Keeps what was pushed, a file for each group: series of a name replace those of before.
  stub curl <<'STUB'
url="${!#}" body=$(cat)
[ -z "${NO_PUSHGATEWAY:-}" ] || exit 7
echo "curl $*" >>"$CALLS"
job=${url#*/metrics/job/}
file="$PUSHED/${job%%/*}"
touch "$file"
names=$(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' <<<"$body")
while read -r name; do sed -i "/^$name[ {]/d" "$file"; done <<<"$names"
grep -v '^#' <<<"$body" >>"$file"
STUB
}

run_dump() { run --separate-stderr timeout 60 bash "$KUBERNETES/dump.sh" "$@"; }
run_verify() { run --separate-stderr timeout 60 bash "$KUBERNETES/verify.sh" "$@"; }

# pushed JOB NAME: the value of a series, by its name and labels as they were pushed.
pushed() { awk -v name="$2" '$1 == name { print $2 }' "$PUSHED/restorable_$1"; }
