#!/usr/bin/env bash
# Brings a dump of one kind back, by the settings in dump.env beside this script.
# shellcheck disable=SC2034,SC2317 # the sourced parts read what is set here; traps call functions
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: restore.sh [YYYYMMDD] [--file FILE] [--yes] [--help]
Run as root. Takes the newest dump, or the one of that day; looks whether it is whole; says what it will do, and what
happens to what is there already; asks; and brings it back.

  YYYYMMDD     the dump of that day
  --file FILE  this dump, wherever it lies
  --yes        do not ask
  --help       this text

  postgres     Replays all databases and roles. A database that is there already is renamed to NAME_before_<time>, its sessions
               ended; nothing is deleted. Roles get the passwords of the dump. If the replay misbehaves: stop the container,
               move the data directory aside, start it, and run this again.
  gitea        Repositories, data and settings. What is there is moved to *.before_<time>; Gitea is restarted, hooks are
               regenerated. Its database comes from the dump of postgres: restore that first, of the same day.
  k3s_pvc      Volumes, claims and Longhorn's records, with kubectl apply. What is there is set to what the dump says; nothing
               is deleted. Longhorn has to be installed; namespaces that lack are made.

Exit: 0 done; 1 the dump is not good, or did not go in whole; 2 wrong use or settings, or the target does not answer; 3 not
confirmed; 75 a dump or another restore is going.
TEXT
}

DAY='' FILE='' YES=n
while [ $# -gt 0 ]; do
  case $1 in
    --file) [ -n "${2:-}" ] || { usage >&2; exit 2; }; FILE=$2; shift ;;
    --yes) YES=y ;;
    --help | -h) usage; exit 0 ;;
    [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]) DAY=$1 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[ -z "$DAY" ] || [ -z "$FILE" ] || { usage >&2; exit 2; }

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
for LIB in "$here/lib" "$here/.."; do [ ! -d "$LIB/dump" ] || break; done
# shellcheck source=scripts/dump/common.sh
. "$LIB/dump/common.sh"
load_dump "$here"
# shellcheck source=scripts/dump/restore/postgres.sh
. "$LIB/dump/restore/$KIND.sh"

# The copy beside the scripts first, where there is one: it is there when the volume of the dumps is not.
choose() {
  local folder name all
  all=$(for folder in ${COPY_DIRECTORY:+"$COPY_DIRECTORY"} "$FOLDER"; do dumps_in "$folder"; done | LC_ALL=C sort -u)
  # The newest of both: the copy could not be made when the root disk was full.
  [ -n "$DAY" ] || DAY=$(tail -n 1 <<<"$all" | cut -c 8-15)
  for folder in ${COPY_DIRECTORY:+"$COPY_DIRECTORY"} "$FOLDER"; do
    name=$(name_of "$DAY")
    if [ -n "$DAY" ] && [ -f "$folder/$name" ]; then
      FILE=$folder/$name
      return 0
    fi
  done
  echo "no dump${DAY:+ of $DAY} in ${COPY_DIRECTORY:+$COPY_DIRECTORY or }$FOLDER; what is there: $(paste -sd' ' <<<"$all")" >&2
  return 1
}

confirmed() {
  local answer=''
  [ "$YES" = n ] || return 0
  [ -t 0 ] || { echo "not confirmed: nobody to ask here, and no --yes" >&2; return 3; }
  read -r -p "Go on? (yes/no) " answer || true
  [ "$answer" = yes ] || { echo "not confirmed: nothing was done" >&2; return 3; }
}

lock_dump || exit 75
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
NOW=$(date -u +%Y%m%d%H%M%S)
[ -n "$FILE" ] || choose || exit 1
[ -r "$FILE" ] || { echo "$FILE cannot be read" >&2; exit 2; }
ready || exit 2
content <"$FILE" || { echo "$FILE is no whole dump: take another one" >&2; exit 1; }
echo "dump: $FILE, $(stat -c %s "$FILE") bytes, of $(date -u -r "$FILE" '+%F %T') UTC"
# What is there, and what becomes of it.
target || exit 2
confirmed || exit 3
load || exit 1
