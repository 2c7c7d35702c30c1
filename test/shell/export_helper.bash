# A folder in the store's place, and stand-ins for rclone, age, pg_dump and psql. After node_setup.
# shellcheck disable=SC2034 # what it sets is used by the tests

export_setup() {
  EXPORT="$BATS_TEST_DIRNAME/../../scripts/export"
  export BUCKET="$BATS_TEST_TMPDIR/bucket" METRICS="$BATS_TEST_TMPDIR/metrics"
  METRICS_FILE="$METRICS/restorable_exports.prom"
  export RCLONE_CONF="$BATS_TEST_TMPDIR/rclone.conf" RESTORABLE_EXPORTS_ENV="$BATS_TEST_TMPDIR/exports.env"
  export EXPORT_LOCK="$BATS_TEST_TMPDIR/export.lock" STORE_RETRIES=1
  mkdir -p "$BUCKET" "$METRICS"
  (umask 077; echo 'secret_access_key = SECRET' >"$RCLONE_CONF")
  echo age1stub >"$BATS_TEST_TMPDIR/recipients"
  cat >"$RESTORABLE_EXPORTS_ENV" <<ENV
EXPORTS_ROOT=exports:bucket/exports
RCLONE_FILE=$RCLONE_CONF
RECIPIENTS_FILE=$BATS_TEST_TMPDIR/recipients
RETENTION_DAYS=\${RETENTION_DAYS:-30}
METRICS_DIRECTORY=$METRICS
ENV

  # As rclone 1.60: what is streamed becomes an object at the stream's end, and not at all when it is ended by a signal.
  stub rclone <<'STUB'
echo "rclone $*" >>"$CALLS"
words=()
while (($# > 0)); do
  case $1 in
    --config | --contimeout | --timeout | --retries | --retries-sleep | --low-level-retries | --log-level | --ca-cert | \
      --s3-chunk-size | --s3-upload-concurrency | --format | --separator) shift ;;
    -*) ;;
    *) words+=("$1") ;;
  esac
  shift
done
path=$BUCKET/${words[1]#exports:bucket/}
if [ -n "${STORE_DOWN:-}" ]; then cat >/dev/null; echo "connection refused" >&2; exit 1; fi
case ${words[0]} in
  rcat)
    tmp=$(mktemp)
    # In the background: a signal ends a shell that waits at once.
    cat <&0 >"$tmp" 3>&- &
    trap 'kill $!; exit 143' TERM
    wait $!
    mkdir -p "${path%/*}"
    case ${DAMAGE:-}:$path in
      truncate:*.dump.age) head -c 10 "$tmp" >"$path" ;;
      alter:*.dump.age) tr 'A-Za-z' 'B-ZAb-za' <"$tmp" >"$path" ;;
      *) cat "$tmp" >"$path" ;;
    esac
    rm "$tmp" ;;
  cat) cat "$path" ;;
  lsf)
    [ -e "$path" ] || { echo "ERROR : directory not found" >&2; exit 3; }
    if [ -f "$path" ]; then stat -c %s "$path"; else (cd "$path" && find . -type f -printf '%s %P\n'); fi ;;
  deletefile) [ -e "$path" ] || { echo "object not found" >&2; exit 4; }; rm "$path" ;;
esac
STUB
  stub age <<'STUB'
[ -z "${FAILING_AGE:-}" ] || { cat >/dev/null; exit 1; }
base64
STUB
  stub pg_dump <<'STUB'
echo "pg_dump $*" >>"$CALLS"
snapshot=$(sed 's/.*--snapshot=\([^ ]*\).*/\1/' <<<"$*")
echo "dump of $PGDATABASE in snapshot $snapshot"
[ "${FAILING_DUMP:-}" != "$PGDATABASE" ]
STUB
  stub pg_dumpall <<'STUB'
echo "CREATE ROLE app;"
STUB
  stub psql <<'STUB'
case "$*" in
  *pg_is_in_recovery*) echo "$RECOVERY"; exit ;;
  *"FROM pg_database"*) printf 'app\npostgres\n'; exit ;;
  *"FROM pg_roles"*) printf 'roles\t3\n'; exit ;;
esac
[ "${FAILING_SESSION:-}" != "$PGDATABASE" ] || { echo "FATAL: no such database" >&2; exit 2; }
while read -r line; do
  case $line in
    *pg_export_snapshot*) printf '00000004-1\t12345678\n' ;;
    '\gexec') printf 'public.users\t1000\n' ;;
    '\echo end') echo end ;;
  esac
done
STUB
  # The script puts Postgres' own folder before PATH: there is none here.
}

run_export() { run --separate-stderr "$EXPORT/export.sh" "$@"; }

stub_decrypt() { base64 -d; }

# Databases that have a sealed export.
exported() { (cd "$BUCKET/exports" 2>/dev/null && find . -name '*.sha256' -printf '%P\n' | cut -d/ -f1 | LC_ALL=C sort -u | paste -sd' '); }

newest() { (cd "$BUCKET/exports/$1" && find . -name '*.sha256' -printf '%P\n' | sort | tail -n 1 | cut -d. -f1); }

# A complete export of another day.
old_export() {
  mkdir -p "$BUCKET/exports/$1"
  for kind in dump.age counts.age dump.age.sha256; do echo old >"$BUCKET/exports/$1/$2.$kind"; done
}

series() { awk -v s="restorable_export_$1{database=\"$2\"}" '$1 == s { print $2 }' "$METRICS_FILE"; }

# Every line of a metrics file is a comment or a sample, every name has its HELP and TYPE before it, once.
well_formed() {
  awk '
    /^# HELP [a-z_]+ .+/ { if ($3 in help) exit 1; help[$3] = 1; next }
    /^# TYPE [a-z_]+ gauge$/ { if (!($3 in help) || ($3 in type)) exit 1; type[$3] = 1; next }
    /^[a-z_]+\{[a-z]+="[^"]*"\} [0-9]+(\.[0-9]+)?$/ { name = $0; sub(/\{.*/, "", name); if (!(name in type) || ($1 in seen)) exit 1; seen[$1] = 1; next }
    { exit 1 }' "$1"
}
