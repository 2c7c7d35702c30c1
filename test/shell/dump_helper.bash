# A folder in the place of the mount, and stand-ins for docker and kubectl.
# shellcheck disable=SC2034 # what it sets is used by the tests

dump_setup() {
  DUMP="$BATS_TEST_DIRNAME/../../scripts/dump"
  export ROOT="$BATS_TEST_TMPDIR/backups" METRICS="$BATS_TEST_TMPDIR/metrics" CALLS="$BATS_TEST_TMPDIR/calls"
  export COPIES="$BATS_TEST_TMPDIR/copies" RESTORABLE_DUMP_ENV="$BATS_TEST_TMPDIR/dump.env"
  export DUMP_LOCK="$BATS_TEST_TMPDIR/dump.lock" STATE="$BATS_TEST_TMPDIR/state"
  mkdir -p "$ROOT" "$METRICS" "$STATE" "$BATS_TEST_TMPDIR/bin"
  PATH="$BATS_TEST_TMPDIR/bin:$PATH"
  TODAY=$(date +%Y%m%d)
  : >"$CALLS"
  dump_kind postgres
  # The tests' folder is none.
  stub mountpoint <<'STUB'
[ -z "${NOT_MOUNTED:-}" ]
STUB
  stub docker <<'STUB'
echo "docker $*" >>"$CALLS"
case $1 in
  ps) [ -z "${DOCKER_DOWN:-}" ] || { echo "Cannot connect to the Docker daemon" >&2; exit 1; }; printf '%s\n' ${RUNNING-db web}; exit ;;
  inspect) echo "/srv/db (/var/lib/postgresql/data) "; exit ;;
  restart) exit ;;
esac
[ -z "${DOCKER_GONE:-}" ] || { echo "container is not running" >&2; exit 1; }
case "$*" in
  *pg_dumpall*)
    echo '--'; echo '-- PostgreSQL database cluster dump'; echo '--'
    echo 'CREATE ROLE app;'
    echo '-- Database "app" dump'
    printf 'COPY public.t (a) FROM stdin;\n-- Database "row" dump\n'; head -c "${BYTES:-20000}" /dev/urandom | base64; echo '\.'
    [ -z "${BROKEN_OFF:-}" ] || exit "$BROKEN_OFF"
    printf -- '--\n-- PostgreSQL database cluster dump complete\n--\n\n' ;;
  *"gitea dump"*)
    [ -z "${AS_ROOT:-}" ] || { echo "Gitea is not supposed to be run as root"; exit 0; }
    tar -C "$STATE/gitea" -czf - app.ini repos ;;
  *"psql "*"SELECT datname"*) printf '%s\n' ${THERE-postgres} ;;
  *"psql "*"SELECT count"*) echo "${USED:-0}" ;;
  *"psql "*" -f -"*) cat >"$STATE/replayed"; echo app >>"$STATE/there"; printf '%s\n' "${REPLAY_ERRORS-}" >&2 ;;
  *"psql "*) cat >>"$STATE/set-aside" ;;
  *find*) echo 0 ;;
  *"sh -c"*) cat >"$STATE/archive" ;;
  *"regenerate hooks"*) [ -z "${NO_DATABASE:-}" ] ;;
esac
STUB
}

# dump_kind KIND: settings of the dump of that kind.
dump_kind() {
  cat >"$RESTORABLE_DUMP_ENV" <<ENV
KIND=$1
HOST=docker-1
ROOT=$ROOT
REQUIRE_MOUNT=1
KEEP_DAYS=3
MINIMUM_RATIO=0.5
TIME_LIMIT_SECONDS=60
METRICS_DIRECTORY=$METRICS
METRICS_PREFIX=veza
ENV
  # shellcheck disable=SC2016
  case $1 in
    postgres | gitea) printf 'CONTAINER=${DUMPED_CONTAINER:-db}\nDUMP_USER=someone\n' >>"$RESTORABLE_DUMP_ENV" ;;
    k3s_pvc) printf 'KUBECONFIG=%s\nCOPY_DIRECTORY=%s\n' "$BATS_TEST_TMPDIR/kubeconfig" "$COPIES" >>"$RESTORABLE_DUMP_ENV" ;;
  esac
  case $1 in postgres) SUFFIX=sql.gz ;; gitea) SUFFIX=gitea.gz ;; k3s_pvc) SUFFIX=volumes ;; esac
  FOLDER=$ROOT/$1 METRICS_FILE=$METRICS/veza_dump_$1.prom
}

stub() { { echo '#!/usr/bin/env bash'; cat; } >"$BATS_TEST_TMPDIR/bin/$1"; chmod +x "$BATS_TEST_TMPDIR/bin/$1"; }

run_backup() { run --separate-stderr "$DUMP/backup.sh" "$@"; }
run_restore() { run --separate-stderr "$DUMP/restore.sh" "$@"; }

# end_when_begun: runs backup.sh, whose stub tells its number in $STATE/begun, and ends it there; status is its own.
end_when_begun() {
  local pid
  "$DUMP/backup.sh" 3>&- 2>/dev/null &
  pid=$!
  until [ -s "$STATE/begun" ]; do
    kill -0 "$pid"
    sleep 0.05
  done
  kill -TERM "$pid"
  # The shell acts on it once the command that it waits for has ended.
  kill "$(cat "$STATE/begun")"
  status=0
  wait "$pid" || status=$?
}

# The dump of DAYS ago, with BYTES.
old_dump() {
  local name
  name=backup_$(date -d "-$1 days" +%Y%m%d).$SUFFIX
  mkdir -p "$FOLDER"
  head -c "${2:-100}" /dev/zero >"$FOLDER/$name"
  echo "$name"
}

# What is there, of whatever name.
dumps() { (cd "$FOLDER" 2>/dev/null && find . -type f -printf '%P\n' | LC_ALL=C sort | paste -sd' '); }

series() { awk -v s="veza_dump_$1{kind=\"$2\",host=\"docker-1\"}" '$1 == s { print $2 }' "$METRICS_FILE"; }

# A cluster with one volume, its claim, and Longhorn's records of it. JSON is YAML.
cluster_setup() {
  dump_kind k3s_pvc
  : >"$BATS_TEST_TMPDIR/kubeconfig"
  stub kubectl <<'STUB'
echo "kubectl $*" >>"$CALLS"
[ -z "${CLUSTER_DOWN:-}" ] || { echo "connection refused" >&2; exit 1; }
list() { printf '{"kind":"List","items":[%s]}\n' "$1"; }
meta='"uid":"u1","resourceVersion":"42","creationTimestamp":"2026-01-01T00:00:00Z","ownerReferences":[{"uid":"gone"}]'
case "$*" in
  *version*) echo v1 ;;
  *"get persistentvolumes,persistentvolumeclaims"*)
    [ -z "${EMPTY_CLUSTER:-}${NO_VOLUMES:-}" ] || { list ''; exit; }
    list '{"kind":"PersistentVolumeClaim","metadata":{"name":"data","namespace":"app",'"$meta"',"annotations":{"pv.kubernetes.io/bind-completed":"yes","mine":"kept"}},"spec":{"volumeName":"pvc-1"}},
      {"kind":"PersistentVolume","metadata":{"name":"pvc-1",'"$meta"'},"spec":{"claimRef":{"name":"data","namespace":"app","uid":"u0","resourceVersion":"41"}},"status":{"phase":"Bound"}}' ;;
  *"get volumes.longhorn.io"*)
    [ -z "${NO_LONGHORN:-}" ] || { echo 'error: the server doesn'"'"'t have a resource type "volumes"' >&2; exit 1; }
    [ -z "${EMPTY_CLUSTER:-}${NO_VOLUMES:-}" ] || { list ''; exit; }
    list '{"kind":"Volume","metadata":{"name":"pvc-1","namespace":"longhorn-system",'"$meta"'},"spec":{"numberOfReplicas":2},"status":{"state":"attached"}}' ;;
  *"get settings.longhorn.io"*)
    [ "${EMPTY_CLUSTER:-}" = "" ] || { list ''; exit; }
    list '{"kind":"Setting","metadata":{"name":"default-replica-count","namespace":"longhorn-system",'"$meta"'},"value":"2"}' ;;
  *"create --dry-run=client"*) grep -v -e '^---$' -e '^#' | jq . ;;
  *"get --ignore-not-found"*) printf '%s' "${THERE-}" ;;
  *"get namespace app"*) exit 1 ;;
  *"apply -f -"*) cat >"$STATE/applied" ;;
esac
STUB
}
