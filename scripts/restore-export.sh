#!/usr/bin/env bash
# Restores a logical export: into a database of the formation, or as a file. One command, on the drill host.
# The sourced parts read what is set here, and traps call the functions:
# shellcheck disable=SC2034,SC2317
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: restore-export.sh --list [--database NAME]
       restore-export.sh --database NAME [--time TIME] [--into NAME] [--replace [--yes]]
       restore-export.sh --database NAME|@globals [--time TIME] --output FILE

Fetches an export from the off-site bucket into an ephemeral container on this host, compares it with its seal, decrypts it,
and loads it into the formation under a name that is not there yet, or writes it to a file.

  --list           what is in the bucket: database, time (UTC), bytes, complete or not
  --database NAME  whose export; @globals are the roles of the cluster, as SQL, with --output only
  --time TIME      the newest one that is not newer than TIME (UTC unless it says otherwise); default: the newest
  --into NAME      name that the database gets in the formation; default: its own
  --replace        a database of that name is there: rename it to NAME_before_<time>, once the restored one is whole. Ends its
                   sessions, deletes nothing
  --yes            does not ask before --replace
  --output FILE    the decrypted dump (for pg_restore) into a new file, 0600; the formation is not touched
  --config FILE    settings (default /etc/restorable/restore.env)
  --help           this text

Owners and grants come along: their roles have to be in the formation. A load that fails leaves nothing behind.

Exit codes: 0 done; 1 the export does not give what was asked for: not there, damaged, encrypted to others, a role is missing;
2 nothing known, nothing done: usage, store, Incus, no primary, a signal; 3 refused: the name is taken, or not confirmed.
TEXT
}

ME=restore-export
fatal() {
  printf '%s: %s\n' "$ME" "$1" >&2
  exit 2
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for LIB in "$here" /usr/local/lib/restorable; do [ ! -f "$LIB/export/host.sh" ] || break; done
[ -f "$LIB/export/host.sh" ] || fatal "its parts are neither in $here nor in /usr/local/lib/restorable"
EXPORT_LIB="$LIB/export"
for part in drill/output drill/verdict drill/container restore/settings restore/formation restore/end export/store export/host; do
  # shellcheck source=/dev/null
  . "$LIB/$part.sh"
done
# The drill's own parts look for theirs in LIB.
TOOLS="$LIB" LIB="$LIB/drill"

CONFIG=/etc/restorable/restore.env LIST=n WANTED="" TIME="" TIME_S="" INTO="" REPLACE=n YES=n OUTPUT="" JSON=n KEEP=n
while [ $# -gt 0 ]; do
  case "$1" in
    --database | --time | --into | --output | --config) [ -n "${2:-}" ] || fatal "$1 needs a value" ;;
  esac
  case "$1" in
    --list) LIST=y ;;
    --database) WANTED="$2"; shift ;;
    --time) TIME="$2"; shift ;;
    --into) INTO="$2"; shift ;;
    --output) OUTPUT="$2"; shift ;;
    --config) CONFIG="$2"; shift ;;
    --replace) REPLACE=y ;;
    --yes) YES=y ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done
[ "$LIST" = y ] || [ -n "$WANTED" ] || fatal "whose export? --database NAME, or --list (see --help)"
[ -z "$OUTPUT" ] || [ -z "$INTO$([ "$REPLACE" = n ] || echo y)" ] || fatal "--output goes with neither --into nor --replace"
[ "$WANTED" != "$GLOBALS" ] || [ "$LIST" = y ] || [ -n "$OUTPUT" ] || fatal "$GLOBALS: with --output FILE only; read it, then psql -f FILE"
[ -z "$OUTPUT" ] || [ ! -e "$OUTPUT" ] || fatal "$OUTPUT is there already"
if [ -n "$TIME" ]; then TIME_S="$(TZ=UTC date -d "$TIME" +%s 2>/dev/null)" || fatal "--time \"$TIME\" is not a time"; fi
load_restore_config pg-restore-drill-fetch
take_lock

begin conclude
step_begin preflight; preflight_exports
if [ "$LIST" = n ] && [ -z "$OUTPUT" ]; then
  find_primary
  NAME="${INTO:-$WANTED}" TAKEN=n
  if in_formation "$NAME"; then
    TAKEN=y
    [ "$REPLACE" = y ] || verdict refused name_taken "the formation has a database $NAME: give another name (--into), or --replace"
    [ "$NAME" != postgres ] || verdict refused name_taken "postgres is not replaced: give another name (--into)"
    confirmed "$NAME will be replaced, its sessions ended"
  fi
fi
step_end "${PRIMARY:+primary $PRIMARY}"
step_begin leftovers; clear_leftovers
step_begin launch; launch
step_begin prepare; prepare_exports
step_begin list; list_exports; step_end "$(grep -c complete "$WORK/exports" || true) exports"
if [ "$LIST" = y ]; then
  while read -r folder stamp bytes state; do
    name="$(database_of "$folder")"
    [ -z "$WANTED" ] || [ "$name" = "$WANTED" ] || continue
    printf '%s\t%s\t%s\t%s\n' "$name" "$(date -u -d "@$(stamp_seconds "$stamp")" '+%F %T')" "$bytes" "$state"
  done <"$WORK/exports"
  verdict pass none ""
fi
step_begin fetch
folder="$(folder_of "$WANTED")"
found="$(newest_export "$folder" "$TIME_S")"
[ -n "$found" ] || verdict fail no_export "no complete export of $WANTED${TIME:+ from $TIME or before} (--list shows what there is)"
read -r stamp bytes <<<"$found"
fetch_export "$folder" "$stamp"
step_end "$stamp, $bytes bytes, as they were exported"

dump() { in_export dump </dev/null; }
if [ -n "$OUTPUT" ]; then
  write_output dump
  verdict pass none "$WANTED of $stamp is in $OUTPUT, decrypted"
fi

properties() { in_export properties "$1" </dev/null 2>"$WORK/err"; }
step_begin load
load_as="$NAME"
if [ "$TAKEN" = y ]; then load_as="${NAME}_restored_$stamp"; fi
! [ "$TAKEN" = y ] || ! in_formation "$load_as" || verdict refused name_taken "a database $load_as is there from an earlier run: drop it"
load_database "$load_as" properties dump
step_end "on $PRIMARY"
if [ "$TAKEN" = y ]; then
  step_begin replace
  aside="${NAME}_before_$(date -u +%Y%m%d%H%M%S)"
  set_aside "$NAME" "$aside"
  set_aside "$load_as" "$NAME"
  step_end "the former one is $aside"
  verdict pass none "$NAME is that of $stamp; drop database $aside when nobody needs it"
fi
verdict pass none "$WANTED of $stamp is database $NAME"
