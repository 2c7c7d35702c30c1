# shellcheck shell=bash disable=SC2034,SC2153
# Settings of what restores beside the formation, and its life: lock, signals, tear-down. After the parts of scripts/drill.

# $1 name of this script's container. Sets what the parts of the drill need; CONFIG names the file.
load_restore_config() {
  local name
  INCUS_PROJECT=default FALLBACK_IMAGE="" STORAGE_POOL="" NETWORK="" CPU=2 MEMORY=2GiB DATABASE=app SMOKE_QUERY=""
  MIN_USERS_EXPECTED=0 METRICS_DIR=/var/lib/node_exporter/textfile_collector METRICS_PREFIX=veza
  TIME_LIMIT_SECONDS=3600 KEEP_EXPIRY_HOURS=48 PACKAGE_SOURCE="" DISK_RESERVE_BYTES=536870912 CHECK_IO_TIMEOUT_SECONDS=5
  RTO_BOUND_SECONDS=1800 REPOSITORIES=1 CONFIG_DIR=/etc/restorable/drill EXPORTS_DIR=/etc/restorable/exports
  EXPORTS_ROOT="" HOST="" NODES="" LOCK_DIR=/run/lock
  [ -r "$CONFIG" ] || fatal "$CONFIG cannot be read: is this the drill host, and are you root?"
  # shellcheck source=/dev/null
  . "$CONFIG" || fatal "$CONFIG is not valid shell"
  for name in STANZA IMAGE PG_MAJOR PG_PATH; do
    [ -n "${!name:-}" ] || fatal "$name is not set in $CONFIG"
  done
  for name in TIME_LIMIT_SECONDS KEEP_EXPIRY_HOURS PG_MAJOR DISK_RESERVE_BYTES MIN_USERS_EXPECTED; do
    [[ ${!name} =~ ^[0-9]+$ ]] || fatal "$name in $CONFIG must be a whole number"
  done
  CONTAINER=$1
  LOCK_FILE=$LOCK_DIR/restorable-$1.lock
  export HOME="${HOME:-/root}"
}

# One run at a time: its container has one name.
take_lock() {
  mkdir -p "$LOCK_DIR"
  exec 9>>"$LOCK_FILE" || fatal "the lock $LOCK_FILE cannot be opened"
  flock -n 9 || fatal "another run is going (lock $LOCK_FILE): nothing done"
}

# From here on the container is torn down however the script ends. $1 function that ends the script's own work.
begin() {
  CHILD="" WATCH="" OUTCOME="" REASON="" MESSAGE="" TARGET="" RESTORING=n REPO=1 KEEP=${KEEP:-n}
  exec {OUT}>&1 {ERR}>&2
  now_ms
  STARTED=$NOW STARTED_S=$((NOW / 1000))
  WORK="$(mktemp -d "${TMPDIR:-/tmp}/restorable.XXXXXX")"
  # shellcheck disable=SC2064
  trap "$1" EXIT
  trap 'verdict unverified interrupted "ended by a signal"' TERM INT HUP
}

# The end of every run, within its EXIT trap.
clean_up() {
  trap '' TERM INT HUP
  exec >&"$OUT"
  exec 2>&"$ERR"
  settle_launch
  [ -z "$CHILD" ] || kill "$CHILD" 2>/dev/null
  teardown || printf '%s\n' "$CONTAINER is still there: incus --project $INCUS_PROJECT delete --force $CONTAINER" >&2
  rm -rf "$WORK"
}
