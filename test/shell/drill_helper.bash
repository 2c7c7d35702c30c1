# A drill whose `incus` is a stand-in that answers as the real one did, told by environment variables.
# shellcheck disable=SC2034 # what it sets is used by the tests

drill_setup() {
  DRILL="$BATS_TEST_DIRNAME/../../scripts/dr-drill.sh"
  PARTS="$BATS_TEST_DIRNAME/../../scripts/drill"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  METRICS="$BATS_TEST_TMPDIR/metrics"
  CONFIG="$BATS_TEST_TMPDIR/drill.env"
  FILE="$METRICS/veza_backup_drill_main_repo1.prom"
  mkdir -p "$STUBS" "$METRICS" "$BATS_TEST_TMPDIR/conf"
  printf '[global]\nrepo1-type=s3\n[main]\npg1-path=/data\n' >"$BATS_TEST_TMPDIR/conf/pgbackrest.repo1.conf"
  printf '[global]\nrepo1-cipher-pass=x\n' >"$BATS_TEST_TMPDIR/conf/secrets.repo1.conf"
  cat >"$CONFIG" <<ENV
STANZA=main
IMAGE=restorable-pg17
PG_MAJOR=17
PG_PATH=/var/lib/postgresql/17/pgaf/node
MIN_USERS_EXPECTED=1000
METRICS_DIR=$METRICS
CONFIG_DIR=$BATS_TEST_TMPDIR/conf
LOCK_FILE=$BATS_TEST_TMPDIR/lock
ENV
  export CALLS="$BATS_TEST_TMPDIR/calls" THERE="$BATS_TEST_TMPDIR/there"
  export IMAGES=yes ROWS_ANSWER=1000 END=0/17000000 INFO_ANSWER="$BATS_TEST_TMPDIR/info.json"
  # What the repository holds before and after, what the source's tables have in the copy.
  export LISTED="$BATS_TEST_TMPDIR/before" LISTED_AFTER="$BATS_TEST_TMPDIR/after" COUNTED="$BATS_TEST_TMPDIR/counted"
  : >"$CALLS"
  info_ok >"$INFO_ANSWER"
  printf '1000\tpublic.users\n20\t"Odd".orders\n' >"$COUNTED"
  objects >"$LISTED"
  cp "$LISTED" "$LISTED_AFTER"
  incus_stub
  PATH="$STUBS:$PATH"
}

# As pgBackRest 2.55.1 answers.
info_ok() {
  cat <<'JSON'
[{"archive":[{"database":{"id":1,"repo-key":1},"id":"17-1","max":"000000010000000000000016","min":"000000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000008","stop":"000000010000000000000009"},"backrest":{"format":5,"version":"2.55.1"},"database":{"id":1,"repo-key":1},"annotation":{"rows":"{\"at\":1700000000,\"rows\":{\"app\":{\"public.users\":1000,\"\\\"Odd\\\".orders\":20}},\"estimates\":{},\"left_out\":0}"},"error":false,"info":{"delta":108029357,"repository":{"delta":39433552,"delta-map":51968,"size-map":51968},"size":108029357},"label":"20261121-143200F","lsn":{"start":"0/8000028","stop":"0/9000050"},"prior":null,"reference":null,"timestamp":{"start":1700000000,"stop":1700000003},"type":"full"}],"cipher":"aes-256-cbc","db":[{"id":1,"repo-key":1,"system-id":7710632448100225156,"version":"17"}],"name":"main","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]
JSON
}

# As repo-ls lists: path -> size and time. A listed backup, WAL before and behind its start, info files.
objects() {
  cat <<'JSON'
{".":{"type":"path"},"archive/main/archive.info":{"type":"file","size":500,"time":1700000000},"archive/main/17-1/0000000100000000/000000010000000000000001-aa.zst":{"type":"file","size":1,"time":1700000000},"archive/main/17-1/0000000100000000/000000010000000000000008-aa.zst":{"type":"file","size":1,"time":1700000010},"archive/main/17-1/0000000100000000/000000010000000000000016-aa.zst":{"type":"file","size":1,"time":1700009000},"backup/main/backup.info":{"type":"file","size":900,"time":1700000003},"backup/main/backup.info.copy":{"type":"file","size":900,"time":1700000003},"backup/main/20261121-143200F/bundle/1":{"type":"file","size":7,"time":1700000002},"backup/other/backup.info":{"type":"file","size":1,"time":1}}
JSON
}

# $1 jq expression: alters what the repository holds when the drill is done.
afterwards() { jq -c "$1" "$LISTED" >"$LISTED_AFTER"; }

# $1 status code, $2 message in JSON's escaping
info_status() {
  printf '[{"archive":[],"backup":[],"cipher":"aes-256-cbc","db":[],"name":"main","repo":[{"cipher":"aes-256-cbc","key":1,"status":{"code":%s,"message":"%s"}}],"status":{"code":%s,"lock":{"backup":{"held":false}},"message":"other"}}]' "$1" "$2" "$1"
}

incus_stub() {
  cat >"$STUBS/incus" <<'STUB'
#!/usr/bin/env bash
printf '%s\n' "$*" >>"$CALLS"
shift 3 # --quiet --project NAME
all="$*"
case "$1" in
  list)
    if [[ $all == *"-c ns"* ]]; then sed 's/$/,RUNNING/' "$THERE" 2>/dev/null; else cat "$THERE" 2>/dev/null; fi
    exit 0 ;;
  image) [ "$IMAGES" = yes ] ;;
  launch)
    [ "$IMAGES" = yes ] || { echo "Error: Image \"$2\" not found" >&2; exit 1; }
    echo "$3" >>"$THERE" ;;
  delete) : >"$THERE" ;;
  stop) ;;
  rename) echo "$3" >"$THERE" ;;
  config) [[ $all != *"get"*user.restorable.keep ]] || echo "${KEEP_MARK:-}" ;;
  file) ;;
  exec)
    case "$all" in
      *"inside.sh info"*) cat "$INFO_ANSWER" ;;
      *"inside.sh restore"*) sleep "${RESTORE_TAKES:-0}"; echo "P00   INFO: restore size = 103MB, file total = 1274" ;;
      *"inside.sh list"*) cat "$LISTED"; cp "$LISTED_AFTER" "$LISTED" ;;
      *"inside.sh own-history"*) exit "${OWN_HISTORY:-1}" ;;
      *"inside.sh amcheck"*)
        printf '%s' "${AMCHECK_WORDS:-}"
        printf '12/12 relations (100%%), 34/34 pages (100%%)\n' >&2
        exit "${AMCHECK:-0}" ;;
      *"inside.sh dump"*) echo 4711; echo "${DUMP_WORDS:-}" >&2; exit "${DUMP:-0}" ;;
      *"inside.sh checksums"*) echo "${CHECKSUMS_WORDS:-Blocks scanned:  99}"; exit "${CHECKSUMS:-0}" ;;
      *"request.sh GET"*) echo "${GET_ANSWER:-200 }" ;;
      *"request.sh PUT"*) echo "${PUT_ANSWER:-403 AccessDenied}" ;;
      *"request.sh DELETE"*) echo "${DELETE_ANSWER:-403 AccessDenied}" ;;
      *"inside.sh facts"*) printf '%s 16777216 00000002 '"${COMMIT_ANSWER:-1}"'\n1\t%s\tno recovery target specified\n' "$END" "$END" ;;
      *"inside.sh segment"*) exit 1 ;;
      *"inside.sh query"*)
        sql=$(cat)
        case "$sql" in
          *"FILTER (WHERE at >"*) echo "${MOMENT-$(sed -n 's/.*to_timestamp(\([0-9]*\)).*/\1/p' <<<"$sql") 0}" ;;
          *heartbeat*) date +%s ;;
          *json_array_elements_text*) cat "$COUNTED" ;;
          *"FROM pg_database"*) printf '%s\n' app postgres 'it"s\all' ;;
          *) echo "$ROWS_ANSWER" ;;
        esac ;;
      *"df --output"*) printf 'Avail\n%s\n' "${FREE:-99999999999}" ;;
      *"id -u postgres"*) printf '101\n103\n' ;;
    esac ;;
esac
STUB
  chmod +x "$STUBS/incus"
}

# $1 series with labels -> its value
value() { awk -v s="$1" 'index($0, s " ") == 1 { print $NF }' "${2:-$FILE}"; }

# Every line of a metrics file is a comment or a sample, every name has its HELP and TYPE before it, once.
well_formed() {
  awk '
    /^# HELP [a-z_]+ .+/ { if ($3 in help) exit 1; help[$3] = 1; next }
    /^# TYPE [a-z_]+ gauge$/ { if (!($3 in help) || ($3 in type)) exit 1; type[$3] = 1; next }
    /^[a-z_]+\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\} -?[0-9]+(\.[0-9]+)?$/ {
      name = $0; sub(/\{.*/, "", name); if (!(name in type) || ($1 in seen)) exit 1; seen[$1] = 1; next }
    { exit 1 }' "$1"
}
