#!/usr/bin/env bash
# When the escrow was made, as a metric on the drill host. One that was made of other keys than the drill has now is none.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: metric.sh [--made SECONDS] METRICS_DIRECTORY STATE_DIRECTORY
Run as root on the drill host. Writes restorable_escrow.prom: the time of the last escrow, or 0 when there is none or when
a repository's keys or passphrase have changed since.

  --made SECONDS   an escrow of the present keys was made at this time (seconds since the epoch)

Exit: 0 written; 2 wrong use.
DRILL_DIRECTORY names another folder than /etc/restorable/drill.
TEXT
}

made=''
case ${1:-} in
  --help | -h)
    usage
    exit 0
    ;;
  --made)
    made=${2:-}
    [[ $made =~ ^[0-9]+$ ]] || { usage >&2; exit 2; }
    shift 2
    ;;
esac
(($# == 2)) || { usage >&2; exit 2; }
directory=$1 record=$2/escrow

keys=$(cat "${DRILL_DIRECTORY:-/etc/restorable/drill}"/secrets.repo*.conf | sha256sum | cut -d' ' -f1)
if [[ -n $made ]]; then
  (umask 077 && printf '%s %s\n' "$made" "$keys" >"$record.new")
  mv -f "$record.new" "$record"
fi
at=0 of=''
if [[ -r $record ]]; then read -r at of <"$record"; fi
[[ $of == "$keys" ]] || at=0
file=$directory/restorable_escrow.prom
new=$(mktemp "$file.XXXXXX")
cat >"$new" <<PROM
# HELP restorable_escrow_timestamp_seconds When the last escrow of the present keys was made; 0: never.
# TYPE restorable_escrow_timestamp_seconds gauge
restorable_escrow_timestamp_seconds $at
PROM
chmod 0644 "$new"
mv -f "$new" "$file"
