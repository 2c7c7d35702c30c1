#!/usr/bin/env bash
# Brings one table or one database back as it was at a moment, from a repository, beside the living formation.
# The sourced parts read what is set here, and traps call the functions:
# shellcheck disable=SC2034,SC2317
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: restore-table.sh --table SCHEMA.NAME [--database NAME] [--target-time TIME] --into [DATABASE.]SCHEMA.NAME | --output FILE
       restore-table.sh --database NAME [--target-time TIME] --into NAME | --output FILE
       (options: [--repo N] [--replace [--yes]] [--keep] [--config FILE])

Restores a repository to that moment in an ephemeral container on this host, takes the table or database out of it, and loads
it into the formation under a name that is free there, or writes a dump. The formation goes on meanwhile, and the repository
is only read.

  --table SCHEMA.NAME  one table, with its partitions; names as in the catalog, without quotes
  --database NAME      with --table: the database that it is in (default: the application's); else the whole database
  --target-time TIME   the moment (UTC unless it says otherwise). Default: the end of the archived WAL
  --repo N             from this repository (default: the first)
  --into NAME          where to in the formation. For a table SCHEMA.NAME, or DATABASE.SCHEMA.NAME
  --output FILE        a dump for pg_restore in a new file, 0600; the formation is not touched
  --replace            the name is taken: what has it is renamed to NAME_before_<time>, and nothing deleted. Views and foreign
                       keys of others stay with the renamed one
  --yes                does not ask before --replace
  --keep               keep the restored copy, stopped, as <container>-kept-<time>
  --config FILE        settings (default /etc/restorable/restore.env)
  --help               this text

With a table come: columns, defaults, owned sequences, rows, indexes, constraints, comments, grants, row security.
Not with --into: foreign keys, triggers, rules, publications, printed as statements; extended statistics. Owners, types and functions must be there.

Exit codes: 0 done; 1 the repository does not give what was asked for: no backup or WAL of that moment, no such table then, a
role or type is missing now; 2 nothing known, nothing done: usage, store, Incus, no primary, a signal; 3 refused: the name is
taken, or not confirmed.
TEXT
}

ME=restore-table
fatal() {
  printf '%s: %s\n' "$ME" "$1" >&2
  exit 2
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for LIB in "$here" /usr/local/lib/restorable; do [ ! -f "$LIB/restore/table.sh" ] || break; done
[ -f "$LIB/restore/table.sh" ] || fatal "its parts are neither in $here nor in /usr/local/lib/restorable"
for part in drill/output drill/verdict drill/container drill/restore restore/settings restore/formation restore/end restore/table; do
  # shellcheck source=/dev/null
  . "$LIB/$part.sh"
done
# The drill's own parts look for theirs in LIB.
TOOLS="$LIB" LIB="$LIB/drill"

CONFIG=/etc/restorable/restore.env NAME="" WANTED_DATABASE="" TARGET_TEXT="" INTO="" OUTPUT="" ONLY_REPO="" REPLACE=n YES=n KEEP=n
while [ $# -gt 0 ]; do
  case "$1" in
    --table | --database | --target-time | --into | --output | --repo | --config) [ -n "${2:-}" ] || fatal "$1 needs a value" ;;
  esac
  case "$1" in
    --table) NAME="$2"; shift ;;
    --database) WANTED_DATABASE="$2"; shift ;;
    --target-time) TARGET_TEXT="$2"; shift ;;
    --into) INTO="$2"; shift ;;
    --output) OUTPUT="$2"; shift ;;
    --repo) ONLY_REPO="$2"; shift ;;
    --config) CONFIG="$2"; shift ;;
    --replace) REPLACE=y ;;
    --yes) YES=y ;;
    --keep) KEEP=y ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done
[ -n "$NAME$WANTED_DATABASE" ] || fatal "what is to come back? --table SCHEMA.NAME or --database NAME (see --help)"
[ -n "$INTO$OUTPUT" ] || fatal "where to? --into NAME or --output FILE (see --help)"
[ -z "$INTO" ] || [ -z "$OUTPUT" ] || fatal "--into or --output, not both"
[ -z "$OUTPUT" ] || [ ! -e "$OUTPUT" ] || fatal "$OUTPUT is there already"
[ -z "$NAME" ] || split_name "$NAME" || fatal "--table $NAME: SCHEMA.NAME"
load_restore_config pg-restore-drill-table
WANTED_DATABASE="${WANTED_DATABASE:-$DATABASE}"
first="${ONLY_REPO:-${REPOSITORIES%% *}}"
[[ $first =~ ^[1-9][0-9]*$ ]] || fatal "--repo $first is not a number from 1"
if [ -n "$NAME" ] && [ -n "$INTO" ]; then
  case "$INTO" in
    *.*.*) INTO_DATABASE="${INTO%%.*}" INTO="${INTO#*.}" ;;
    ?*.?*) INTO_DATABASE="$WANTED_DATABASE" ;;
    *) fatal "--into $INTO: SCHEMA.NAME or DATABASE.SCHEMA.NAME for a table" ;;
  esac
  INTO_SCHEMA="${INTO%%.*}" INTO_TABLE="${INTO#*.}"
fi
if [ -n "$TARGET_TEXT" ]; then
  at="$(TZ=UTC date -d "$TARGET_TEXT" +%s.%N 2>/dev/null)" || fatal "--target-time \"$TARGET_TEXT\" is not a time"
  [ "${at%.*}" -le "$(date +%s)" ] || fatal "--target-time \"$TARGET_TEXT\" is in the future"
fi
take_lock

TAKEN=n stamp="$(date -u +%Y%m%d%H%M%S)"
begin conclude
REPO=$first
REPO_CONF="$CONFIG_DIR/pgbackrest.repo$REPO.conf" SECRETS_CONF="$CONFIG_DIR/secrets.repo$REPO.conf" CA_FILE="$CONFIG_DIR/store-ca.crt"
if [ -n "$TARGET_TEXT" ]; then
  TARGET_S="${at%.*}"
  TARGET="$(date -u -d "@$at" '+%F %T.%6N+00')"
fi
step_begin preflight; preflight
if [ -n "$INTO" ]; then
  find_primary
  if [ -n "$NAME" ]; then
    ASIDE="${INTO_TABLE:0:40}_before_$stamp"
    check_target
  elif in_formation "$INTO"; then
    TAKEN=y
    [ "$REPLACE" = y ] || verdict refused name_taken "the formation has a database $INTO: give another name (--into), or --replace"
    [ "$INTO" != postgres ] || verdict refused name_taken "postgres is not replaced: give another name (--into)"
    confirmed "$INTO will be replaced, its sessions ended"
  fi
fi
step_end "${PRIMARY:+primary $PRIMARY}"
step_begin leftovers; clear_leftovers
step_begin launch; launch
step_begin prepare; prepare
push "$TOOLS/restore/inside.sh" /run/restorable-drill/table-inside.sh 0700
push "$TOOLS/restore/properties.sh" /run/restorable-drill/properties.sh 0600
step_begin repository; check_repository
step_begin disk; check_disk
step_begin restore; restore_backup
step_begin recover; recover; reach_end

if [ -n "$NAME" ]; then
  step_begin table; look_for_table; step_end "$SCHEMA.$TABLE had $ROWS rows"
fi
if [ -n "$INTO" ] && [ -n "$NAME" ]; then
  step_begin load; load_table; step_end "$LOADED rows on $PRIMARY"
  say_left_out
  verdict pass none "$SCHEMA.$TABLE${TARGET:+ of $TARGET} is $INTO_SCHEMA.$INTO_TABLE in $INTO_DATABASE$([ "$TAKEN" = n ] || echo "; what had the name is $ASIDE")"
fi
step_begin dump
if [ -n "$NAME" ]; then
  attended in_copy dump-table "$WANTED_DATABASE" "$SCHEMA" "$TABLE" 2>"$WORK/err" || verdict fail dump_failed "$(load_error)"
else
  attended in_copy dump-database "$WANTED_DATABASE" 2>"$WORK/err" || {
    case "$(cat "$WORK/err")" in
      *database*"does not exist"*) verdict fail not_there "there was no database $WANTED_DATABASE at that time" ;;
      *) verdict fail dump_failed "$(load_error)" ;;
    esac
  }
fi
step_end "$WANTED_DATABASE${NAME:+, $NAME}"
dump() { in_copy dump; }
if [ -n "$OUTPUT" ]; then
  write_output dump
  verdict pass none "${NAME:-$WANTED_DATABASE}${TARGET:+ of $TARGET} is in $OUTPUT"
fi
properties() { in_copy properties "$1" 2>"$WORK/err"; }
step_begin load
aside="${INTO}_before_$stamp"
load_as="$INTO"
[ "$TAKEN" = n ] || load_as="${INTO}_restored_$stamp"
load_database "$load_as" properties dump
step_end "on $PRIMARY"
if [ "$TAKEN" = y ]; then
  step_begin replace
  set_aside "$INTO" "$aside"
  set_aside "$load_as" "$INTO"
  step_end "the former one is $aside"
fi
verdict pass none "$WANTED_DATABASE${TARGET:+ of $TARGET} is database $INTO$([ "$TAKEN" = n ] || echo "; what had the name is $aside")"
