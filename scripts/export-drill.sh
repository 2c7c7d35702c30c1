#!/usr/bin/env bash
# Drill of the logical exports: restores the newest one of each database into a container of its own, with the reader's
# key and the age identity, and compares every table with what was counted when it was dumped.
# The sourced parts read what is set here, and traps call the functions:
# shellcheck disable=SC2030,SC2031,SC2034,SC2317
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: export-drill.sh [--database NAME] [--keep] [--config FILE]

Fetches the newest export of each database that the newest export of the roles names, compares it with its seal, decrypts
and restores it (pg_restore --exit-on-error), compares the rows of each table with the rows that were dumped, runs the
smoke query on the application's database; writes metrics; removes the container. It reaches neither formation nor
pgBackRest's repositories.

  --database NAME  this database only, beside the roles
  --keep           keep the container, stopped, as <container>-kept-<time>
  --config FILE    settings (default /etc/restorable/restore.env)
  --help           this text

Exit codes: 0 all passed; 1 one failed: that export is not good for a restore; 2 could not verify, a usage error, or another
run is going. 1 comes before 2, 2 before 0.
TEXT
}

fatal() {
  printf 'export-drill: %s\n' "$1" >&2
  exit 2
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for LIB in "$here" /usr/local/lib/restorable; do [ ! -f "$LIB/export/host.sh" ] || break; done
[ -f "$LIB/export/host.sh" ] || fatal "its parts are neither in $here nor in /usr/local/lib/restorable"
EXPORT_LIB="$LIB/export"
for part in drill/output drill/verdict drill/metrics drill/container restore/settings export/store export/host export/verdict; do
  # shellcheck source=/dev/null
  . "$LIB/$part.sh"
done
# The drill's own parts look for theirs in LIB.
TOOLS="$LIB" LIB="$LIB/drill"

CONFIG=/etc/restorable/restore.env ONLY="" KEEP=n JSON=n
while [ $# -gt 0 ]; do
  case "$1" in
    --database | --config) [ $# -ge 2 ] || fatal "$1 needs a value" ;;
  esac
  case "$1" in
    --database) ONLY="$2"; shift ;;
    --config) CONFIG="$2"; shift ;;
    --keep) KEEP=y ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done
load_restore_config pg-restore-drill-export
take_lock

DONE=() WORST=0 CURRENT="" WORDS=(PASS FAIL UNVERIFIED)

# Ends what is under way: one database's part, or the whole drill.
verdict() {
  OUTCOME="$1" REASON="$2" MESSAGE="$3"
  case "$1" in pass) exit 0 ;; fail) exit 1 ;; *) exit 2 ;; esac
}

# Metrics of this database, and its line.
conclude_database() {
  local rc=$?
  trap '' TERM INT HUP
  exec >&"$OUT"
  exec 2>&"$ERR"
  set +e
  [ -z "$CHILD" ] || kill "$CHILD" 2>/dev/null
  [ -n "$OUTCOME" ] || { OUTCOME=unverified REASON=internal_error MESSAGE="ended with code $rc"; rc=2; }
  now_ms
  FINISHED_S=$((NOW / 1000)) DURATION="$(seconds $((NOW - DATABASE_BEGAN)))"
  if [ "$OUTCOME" = pass ]; then step_end "$MESSAGE"; else
    step_end "$REASON: $MESSAGE" "$([ "$OUTCOME" = fail ] && echo FAIL || echo '??')"
  fi
  export_metrics_write "$DRILLED" || { say "metrics of $DRILLED cannot be written to $METRICS_DIR"; [ "$rc" != 0 ] || rc=2; }
  exit "$rc"
}

# Runs $2... as the part of database $1 in a process of its own.
database_part() {
  local rc=0
  (
    DRILLED="$1" OUTCOME="" EXPORT_S="" EXPORT_BYTES="" ROWS="" TABLES="" RESTORE_DURATION="" CHILD=""
    shift
    now_ms
    DATABASE_BEGAN=$NOW
    trap conclude_database EXIT
    trap 'verdict unverified interrupted "ended by a signal"' TERM INT HUP
    trap - USR1
    step_begin "$DRILLED"
    "$@"
  ) &
  CURRENT=$!
  while :; do
    rc=0
    wait "$CURRENT" || rc=$?
    kill -0 "$CURRENT" 2>/dev/null || { [ "$rc" -le 128 ] || { rc=0; wait "$CURRENT" || rc=$?; }; break; }
  done
  CURRENT=""
  DONE+=("$1")
  case "$rc" in
    0) ;;
    1) WORST=1 ;;
    *) [ "$WORST" = 1 ] || WORST=2 ;;
  esac
  return "$rc"
}

# Databases that a drill has reported on before.
reported() {
  local file name
  for file in "$METRICS_DIR/${METRICS_PREFIX}_export_drill_"*.prom; do
    [ -f "$file" ] || continue
    name="${file##*/"${METRICS_PREFIX}"_export_drill_}"
    database_of "${name%.prom}"
    echo
  done
}

conclude() {
  local rc=$? name outcome="$OUTCOME" reason="$REASON" message="$MESSAGE"
  set +e
  trap '' TERM INT HUP USR1
  exec >&"$OUT"
  exec 2>&"$ERR"
  [ -z "$WATCH" ] || kill "$WATCH" 2>/dev/null
  if [ -n "$CURRENT" ]; then kill -TERM "$CURRENT" 2>/dev/null; wait "$CURRENT"; fi
  if [ -z "$outcome" ] && [ "$FINISHED" != y ]; then outcome=unverified reason=internal_error message="ended with code $rc"; fi
  if [ -n "$outcome" ]; then
    # The drill came to nothing for all that it had not done yet.
    step_end "$reason: $message" "$([ "$outcome" = fail ] && echo FAIL || echo '??')"
    while IFS= read -r name; do
      [[ " ${DONE[*]-} " == *" $name "* ]] || ( database_part_ends "$name" "$outcome" "$reason" "$message" )
    done < <({ echo "$GLOBALS"; reported; } | sort -u)
    if [ "$outcome" = fail ]; then WORST=1; elif [ "$WORST" = 0 ]; then WORST=2; fi
  fi
  clean_up
  [ -z "$KEPT" ] || say "kept as $KEPT for $KEEP_EXPIRY_HOURS h: incus --project $INCUS_PROJECT start $KEPT"
  say "drill of the exports: ${WORDS[WORST]}, ${#DONE[@]} parts, in $SECONDS s"
  exit "$WORST"
}

# $1 database, then the outcome of the whole drill.
database_part_ends() {
  DRILLED="$1" OUTCOME="$2" REASON="$3" MESSAGE="$4" EXPORT_S="" EXPORT_BYTES="" ROWS="" TABLES="" RESTORE_DURATION=""
  now_ms
  FINISHED_S=$((NOW / 1000)) DURATION="$(seconds $((NOW - STARTED)))"
  export_metrics_write "$1"
}

FINISHED=n
begin conclude
self=$BASHPID
trap 'verdict unverified time_limit "the limit of $TIME_LIMIT_SECONDS s is over"' USR1
{ exec 9>&- {OUT}>&- {ERR}>&- </dev/null >/dev/null 2>&1
  trap - EXIT TERM INT HUP USR1
  exec {never}<> <(:)
  read -r -t "$TIME_LIMIT_SECONDS" -u "$never" || kill -USR1 "$self" 2>/dev/null
} &
WATCH=$!

step_begin preflight; preflight_exports; step_end "incus answers"
step_begin leftovers; clear_leftovers
step_begin launch; launch
step_begin prepare; prepare_exports
step_begin list; list_exports; step_end "$(grep -c complete "$WORK/exports" || true) exports"
step_begin cluster
attended in_export cluster 2>"$WORK/err" </dev/null || verdict unverified check_failed "$(headline "$(cat "$WORK/err")")"
step_end "an empty one, Postgres $PG_MAJOR"

if database_part "$GLOBALS" drill_globals; then
  in_export counted </dev/null | sed -n 's/^database\t//p' >"$WORK/databases"
  while IFS= read -r name <&3; do
    [ -z "$ONLY" ] || [ "$ONLY" = "$name" ] || continue
    database_part "$name" drill_database || true
  done 3<"$WORK/databases"
  if [ -n "$ONLY" ] && ! grep -qxF -e "$ONLY" "$WORK/databases"; then
    FINISHED=y
    say "no export of the roles names a database $ONLY"
    WORST=1
  fi
  # What is no longer exported is no longer drilled, and its last verdict says nothing.
  if [ -z "$ONLY" ]; then
    while IFS= read -r name; do
      if [ "$name" = "$GLOBALS" ] || grep -qxF -e "$name" "$WORK/databases"; then continue; fi
      rm -f "$METRICS_DIR/${METRICS_PREFIX}_export_drill_$(folder_of "$name").prom"
    done < <(reported)
  fi
  FINISHED=y
else
  verdict unverified roles_missing "without the roles no database can be restored"
fi
exit 0
