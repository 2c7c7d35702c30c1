#!/usr/bin/env bash
# What lives in Docker on this host, for the coverage ledger: every database of every Postgres that runs, and every volume,
# whoever made them. By restorable-docker-inventory.timer.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: docker-inventory.sh [--help]
Run as root. Writes restorable_coverage_docker.prom for node_exporter's textfile collector. A container counts as a Postgres when
a process of that name runs in it, or its environment has PGDATA. It is asked for its databases as its own superuser, without
a password; one that does not answer is one database with the name (unknown). Without an answer of Docker itself the file stays as
it was, its time included.

Exit: 0 written; 1 no answer, or the file could not be written; 2 wrong use or settings.

Settings, from /etc/restorable/docker-inventory.env (RESTORABLE_INVENTORY_ENV names another file):
  METRICS_DIRECTORY   folder of the textfile collector
  HOST                name of this host, as in the settings: label namespace, and the reporter
From the environment:
  LOOK_TIMEOUT_SECONDS    how long the answer to one question may take (20)
TEXT
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for TEXTFILE in "$here/textfile.sh" "$here/../metrics/textfile.sh"; do [ ! -f "$TEXTFILE" ] || break; done
# shellcheck source=scripts/metrics/textfile.sh
. "$TEXTFILE"
only_help "$@"
load_settings "${RESTORABLE_INVENTORY_ENV:-/etc/restorable/docker-inventory.env}"
: "${METRICS_DIRECTORY:?not set}" "${HOST:?not set}"

ask() { timeout -k 2 "${LOOK_TIMEOUT_SECONDS:-20}" docker "$@" </dev/null; }

# environment CONTAINER NAME: of its settings.
environment() { ask inspect -f '{{range .Config.Env}}{{println .}}{{end}}' "$1" | sed -n "s/^$2=//p" | head -n 1; }

is_postgres() {
  local processes
  processes=$(ask top "$1" -eo pid,comm 2>/dev/null) || processes=''
  if grep -qE '^ *[0-9]+ +(postgres|postmaster)$' <<<"$processes"; then return 0; fi
  [ -n "$(environment "$1" PGDATA)" ]
}

# databases CONTAINER: lines "TIME<TAB>NAME"; the time is that of its making, where the role may look at files.
databases() {
  local user text
  user=$(environment "$1" POSTGRES_USER) || user=''
  for text in "floor(extract(epoch FROM (pg_stat_file('base/' || oid || '/PG_VERSION')).modification))" 0; do
    ask exec "$1" psql -XAtqw -v ON_ERROR_STOP=1 -U "${user:-postgres}" -d postgres \
      -c "SELECT $text || chr(9) || datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname !~ '[[:cntrl:]]'" 2>/dev/null && return 0
  done
  return 1
}

labels_of() { printf 'place="docker",namespace="%s",source="%s"' "$(label "$HOST")" "$(label "$1")"; }

inventory() {
  local containers container found at name lives='' made='' volumes='' volume user
  containers=$(ask ps --format '{{.Names}}') || return 1
  while IFS= read -r container; do
    if [ -z "$container" ] || ! is_postgres "$container"; then continue; fi
    found=$(databases "$container") || found=$'0\t(unknown)'
    while IFS=$'\t' read -r at name; do
      [ -n "$name" ] || continue
      lives+="restorable_live_database{$(labels_of "$container"),database=\"$(label "$name")\"} 1"$'\n'
      if number "$at" && [ "$at" -gt 0 ]; then
        made+="restorable_live_created_timestamp_seconds{$(labels_of "$container"),database=\"$(label "$name")\"} $at"$'\n'
      fi
    done <<<"$found"
  done <<<"$containers"
  found=$(ask volume ls -q) || return 1
  while IFS= read -r volume; do
    [ -n "$volume" ] || continue
    user=$(ask ps -a --filter "volume=$volume" --format '{{.Names}}' | LC_ALL=C sort | head -n 1) || return 1
    volumes+="restorable_live_volume{$(labels_of "$user"),name=\"$(label "$volume")\"} 1"$'\n'
  done <<<"$found"
  head_of restorable_live_database gauge "1: this database lives."
  printf %s "$lives"
  head_of restorable_live_created_timestamp_seconds gauge "When the database was made: an older dump does not hold it."
  printf %s "$made"
  head_of restorable_live_volume gauge "1: this volume lives."
  printf %s "$volumes"
  head_of restorable_live_timestamp_seconds gauge "When the inventory was taken."
  printf 'restorable_live_timestamp_seconds{place="docker",reporter="%s"} %s\n' "$(label "$HOST")" "$(date +%s)"
}

if ! text=$(inventory); then
  echo "Docker gives no usable answer: the inventory stays as it was" >&2
  exit 1
fi
replace_file "$METRICS_DIRECTORY/restorable_coverage_docker.prom" <<<"$text"
