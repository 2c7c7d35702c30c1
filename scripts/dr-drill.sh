#!/usr/bin/env bash
# Restore drill: restores a repository into a container of its own, replays its WAL, looks at rows, indexes and pages,
# proves that nothing in the repository was changed, writes metrics, removes the container.
# The sourced parts read what is set here, and traps call the functions:
# shellcheck disable=SC2034,SC2317
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: dr-drill.sh [--repo N] [--keep] [--target-time TIME] [--repo-target-time TIME] [--json] [--config FILE]

Restores a pgBackRest repository into an ephemeral Incus container and proves that the data is there.

  --repo N            drill repository N only (default: every one in REPOSITORIES, one after the other)
  --keep              keep the container for a post-mortem, stopped, as <container>-kept-<time>
  --target-time TIME  restore to a point in time (UTC unless it says otherwise), or to a random moment of the
                      retention window (TIME is "random"); its metrics are *_pitr_*
  --repo-target-time TIME
                      read the repository as it was then: what was deleted or overwritten since is there again.
                      Needs --repo, a store that keeps versions and pgBackRest 2.54; no metrics: it says nothing on today
  --json              a JSON object a line and repository on stdout; progress goes to stderr
  --config FILE       settings (default /etc/restorable/drill.env)
  --help              this text

LOCK_WAIT_SECONDS in the environment: how long to wait for another drill to end (default 0).

Exit codes: 0 passed; 1 the drill failed: the backup is not good for a restore; 2 could not verify, a
usage error, or another drill is running. With several repositories 1 comes before 2, 2 before 0.
TEXT
}

fatal() {
  printf 'dr-drill: %s\n' "$1" >&2
  exit 2
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
LIB=""
for LIB in "$here/drill" /usr/local/lib/restorable/drill; do [ ! -f "$LIB/verdict.sh" ] || break; done
[ -f "$LIB/verdict.sh" ] || fatal "its parts are neither in $here/drill nor in /usr/local/lib/restorable/drill"
for part in output verdict metrics container restore depth floors proof pitr; do
  # shellcheck source=/dev/null
  . "$LIB/$part.sh"
done

CONFIG=/etc/restorable/drill.env ONLY_REPO="" KEEP=n TARGET="" TARGET_S="" REPO_TARGET="" JSON=n
while [ $# -gt 0 ]; do
  case "$1" in
    --repo | --target-time | --repo-target-time | --config) [ $# -ge 2 ] || fatal "$1 needs a value" ;;
  esac
  case "$1" in
    --repo) ONLY_REPO="$2"; shift ;;
    --target-time) TARGET="$2"; shift ;;
    --repo-target-time) REPO_TARGET="$2"; shift ;;
    --config) CONFIG="$2"; shift ;;
    --keep) KEEP=y ;;
    --json) JSON=y ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done

# Settings with a default stand before the file.
load_config() {
  local name
  REPOSITORIES=1 INCUS_PROJECT=default FALLBACK_IMAGE="" STORAGE_POOL="" NETWORK="" CONTAINER=pg-restore-drill
  CPU=2 MEMORY=2GiB DATABASE=app SMOKE_QUERY="SELECT count(*) FROM users" MIN_USERS_EXPECTED=1
  METRICS_DIR=/var/lib/node_exporter/textfile_collector METRICS_PREFIX=veza TIME_LIMIT_SECONDS=3600
  KEEP_EXPIRY_HOURS=48 RTO_BOUND_SECONDS=1800 PACKAGE_SOURCE="" DISK_RESERVE_BYTES=536870912
  CHECK_IO_TIMEOUT_SECONDS=5 LOCK_WAIT_SECONDS="${LOCK_WAIT_SECONDS:-0}" LOCK_FILE=/run/lock/restorable-drill.lock CONFIG_DIR=/etc/restorable/drill
  DEPTH_AMCHECK=1 DEPTH_DUMP=1 DEPTH_CHECKSUMS=1 ROWS_COMPARE=1 ROWS_TOLERANCE_PERCENT=50 ROWS_IGNORE=""
  READ_ONLY_REPOSITORIES="" LIST_IO_TIMEOUT_SECONDS=30 HEARTBEAT_BOUND_SECONDS=180 TARGET_MARGIN_SECONDS=180
  [ -r "$CONFIG" ] || fatal "$CONFIG cannot be read"
  # shellcheck source=/dev/null
  . "$CONFIG" || fatal "$CONFIG is not valid shell"
  for name in STANZA IMAGE PG_MAJOR PG_PATH; do
    [ -n "${!name:-}" ] || fatal "$name is not set in $CONFIG"
  done
  for name in MIN_USERS_EXPECTED TIME_LIMIT_SECONDS KEEP_EXPIRY_HOURS RTO_BOUND_SECONDS PG_MAJOR \
    DISK_RESERVE_BYTES LOCK_WAIT_SECONDS CHECK_IO_TIMEOUT_SECONDS LIST_IO_TIMEOUT_SECONDS HEARTBEAT_BOUND_SECONDS \
    TARGET_MARGIN_SECONDS ROWS_TOLERANCE_PERCENT; do
    [[ "${!name}" =~ ^[0-9]+$ ]] || fatal "$name in $CONFIG must be a whole number"
  done
  [[ "$STANZA" =~ ^[A-Za-z0-9_-]+$ ]] || fatal "STANZA in $CONFIG may have letters, digits, - and _ only"
  [[ "$METRICS_PREFIX" =~ ^[a-zA-Z_][a-zA-Z0-9_]*$ ]] || fatal "METRICS_PREFIX in $CONFIG is no metric name"
  [ -z "$ONLY_REPO" ] || REPOSITORIES="$ONLY_REPO"
  for name in $REPOSITORIES; do
    [[ "$name" =~ ^[1-9][0-9]*$ ]] || fatal "repository \"$name\" is not a number from 1"
  done
}

normalize_repo_target() {
  local at
  [ -n "$REPO_TARGET" ] || return 0
  [ -n "$ONLY_REPO" ] || fatal "--repo-target-time needs --repo: which repository had it?"
  at="$(TZ=UTC date -d "$REPO_TARGET" +%s 2>/dev/null)" || fatal "--repo-target-time \"$REPO_TARGET\" is not a time"
  [ "$at" -le "$(date +%s)" ] || fatal "--repo-target-time \"$REPO_TARGET\" is in the future"
  REPO_TARGET="$(date -u -d "@$at" '+%F %T+00')"
}

normalize_target() {
  [ -n "$TARGET" ] && [ "$TARGET" != random ] || return 0
  TARGET_S="$(TZ=UTC date -d "$TARGET" +%s 2>/dev/null)" || fatal "--target-time \"$TARGET\" is not a time"
  [ "$TARGET_S" -le "$(date +%s)" ] || fatal "--target-time \"$TARGET\" is in the future"
  TARGET="$(date -u -d "@$TARGET_S" '+%F %T+00')"
}

# Ends this repository's drill. $1 pass|fail|unverified, $2 reason (snake_case), $3 words for people.
verdict() {
  OUTCOME="$1" REASON="$2" MESSAGE="$3"
  case "$1" in pass) exit 0 ;; fail) exit 1 ;; *) exit 2 ;; esac
}

# What could not be verified beside the restore: the drill goes on, and ends with the first of these unless it fails.
# Arguments as of `verdict`.
later_verdict() {
  [ -n "$LATER_REASON" ] || LATER_REASON="$2" LATER_MESSAGE="$3"
  step_end "$2: $3" '??'
}

time_up() {
  local text="the limit of $TIME_LIMIT_SECONDS s is over in step ${STEP:-tear-down}"
  if [ "$RESTORING" = y ]; then verdict fail time_limit "$text"; fi
  verdict unverified time_limit "$text"
}

# The last words of a repository's drill, however it ends: metrics, then the container, then the verdict.
conclude() {
  local rc=$? kept
  trap '' TERM USR1 INT HUP
  # A signal finds the shell inside a step whose output goes to a file.
  exec >&"$OUT"
  exec 2>&"$ERR"
  set +e
  settle_launch
  [ -z "$CHILD" ] || kill "$CHILD" 2>/dev/null
  [ -z "$WATCH" ] || kill "$WATCH" 2>/dev/null
  # Not through verdict: the drill itself is broken.
  [ -n "$OUTCOME" ] || { OUTCOME=unverified REASON=internal_error MESSAGE="step ${STEP:-none} of the drill ended with code $rc"; rc=2; }
  [ "$OUTCOME" = pass ] || step_end "$REASON: $MESSAGE" "$([ "$OUTCOME" = fail ] && echo FAIL || echo '??')"
  now_ms
  FINISHED_S=$((NOW / 1000)) DURATION="$(seconds $((NOW - STARTED)))"
  step_begin metrics
  if [ -n "$REPO_TARGET" ]; then step_end "none: the repository as of $REPO_TARGET" "--"; elif metrics_write; then step_end "$METRICS_DIR"; else
    step_end "cannot be written to $METRICS_DIR" FAIL
    [ "$rc" != 0 ] || rc=2
  fi
  step_begin teardown
  if teardown; then
    step_end "${KEPT:+kept as $KEPT for $KEEP_EXPIRY_HOURS h: incus --project $INCUS_PROJECT start $KEPT}"
  else
    step_end "$CONTAINER is still there" FAIL
  fi
  if [ "$LAUNCHED" = y ]; then
    kept="$(kept_names | grep -c .)"
    metrics_write_kept "$kept"
  fi
  summary
  [ "$JSON" != y ] || ! command -v jq >/dev/null || json_summary "$rc"
  rm -rf "$WORK"
  exit "$rc"
}

summary() {
  local late=""
  if [ -n "$RESTORE_DURATION" ] && [ "${RESTORE_DURATION%.*}" -ge "$RTO_BOUND_SECONDS" ]; then
    late=" (over the bound of $RTO_BOUND_SECONDS s)"
  fi
  say "drill of repo$REPO, stanza $STANZA: ${OUTCOME^^}${REASON:+ }$([ "$REASON" = none ] || printf '(%s) ' "$REASON")in $DURATION s${RESTORE_DURATION:+, RTO $RESTORE_DURATION s$late}${RPO:+, RPO $RPO s}${ROWS:+, $ROWS rows}"
}

# One repository, in a process of its own. $1 its number.
drill() {
  REPO="$1" OUTCOME="" REASON="" MESSAGE="" LATER_REASON="" LATER_MESSAGE="" CHILD="" WATCH="" RESTORING=n DURATION="" FINISHED_S=""
  REPO_CONF="$CONFIG_DIR/pgbackrest.repo$REPO.conf" SECRETS_CONF="$CONFIG_DIR/secrets.repo$REPO.conf"
  CA_FILE="$CONFIG_DIR/store-ca.crt" READ_ONLY=""
  [[ " $READ_ONLY_REPOSITORIES " != *" $REPO "* ]] || READ_ONLY=y
  local self=$BASHPID
  exec {OUT}>&1 {ERR}>&2
  now_ms
  STARTED=$NOW STARTED_S=$((NOW / 1000))
  WORK="$(mktemp -d "${TMPDIR:-/tmp}/dr-drill.XXXXXX")"
  trap conclude EXIT
  trap 'verdict unverified interrupted "ended by a signal"' TERM INT HUP
  trap time_up USR1
  watch "$self" &
  WATCH=$!
  say "drill of repo$REPO, stanza $STANZA${TARGET:+, to $TARGET}${REPO_TARGET:+, as of $REPO_TARGET}, in $CONTAINER of project $INCUS_PROJECT"
  step_begin preflight; preflight; step_end "incus answers"
  step_begin leftovers; clear_leftovers
  step_begin launch; launch
  step_begin prepare; prepare
  step_begin repository; check_repository
  step_begin inventory; take_inventory
  if [ "$TARGET" = random ]; then step_begin target; choose_target; fi
  step_begin disk; check_disk
  step_begin restore; restore_backup
  step_begin recover; recover
  measure_rpo
  reach_end
  step_begin smoke; smoke
  step_begin amcheck; check_relations
  step_begin dump; dump_everything
  step_begin rows; compare_rows
  step_begin checksums; check_checksums
  step_begin proof; prove_unchanged
  [ -z "$LATER_REASON" ] || verdict unverified "$LATER_REASON" "$LATER_MESSAGE"
  verdict pass none ""
}

# $1 process that gets USR1 when the time limit is over. It waits without a child: one would outlive a signal that
# comes before its number is known.
watch() {
  exec 9>&- {OUT}>&- {ERR}>&- </dev/null >/dev/null 2>&1
  trap - EXIT USR1 TERM INT HUP
  local never
  exec {never}<> <(:)
  read -r -t "$TIME_LIMIT_SECONDS" -u "$never" || kill -USR1 "$1" 2>/dev/null
  exit 0
}

load_config
normalize_target
normalize_repo_target
export HOME="${HOME:-/root}"
mkdir -p "$(dirname "$LOCK_FILE")"
exec 9>>"$LOCK_FILE" || fatal "the lock $LOCK_FILE cannot be opened"
command -v flock >/dev/null || fatal "flock is not installed"
flock -w "$LOCK_WAIT_SECONDS" 9 || fatal "another drill is running (lock $LOCK_FILE): nothing done, no metrics written"

CURRENT="" STOPPED=n WORST=0
forward() {
  STOPPED=y
  [ -z "$CURRENT" ] || kill -TERM "$CURRENT" 2>/dev/null || true
}
trap forward TERM INT HUP
for number in $REPOSITORIES; do
  [ "$STOPPED" = n ] || break
  drill "$number" &
  CURRENT=$!
  # A signal ends `wait` early, with a code above 128: the drill still has to tear down.
  while :; do
    rc=0
    wait "$CURRENT" || rc=$?
    kill -0 "$CURRENT" 2>/dev/null || { [ "$rc" -le 128 ] || { rc=0; wait "$CURRENT" || rc=$?; }; break; }
  done
  CURRENT=""
  case "$rc" in
    0) ;;
    1) WORST=1 ;;
    *) [ "$WORST" = 1 ] || WORST=2 ;;
  esac
done
exit "$WORST"
