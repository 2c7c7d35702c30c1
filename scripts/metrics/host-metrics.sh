#!/usr/bin/env bash
# How full the stack's data volumes are, as metrics, asked from Incus: df in a container shows the whole pool where
# the pool is btrfs. Each minute on each Incus host, by restorable-host-metrics.service.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: host-metrics.sh [--help]
Run as root. Writes restorable_volumes.prom, restorable_live.prom (every custom volume of the project, for the coverage
ledger) and restorable_host.prom (timers, certificates) for node_exporter's textfile collector. When Incus does not answer
for every volume, the first one stays as it was, its time included; so does the second when it does not list them.

Exit: 0 written; 1 no answer, or a file could not be written; 2 wrong use or settings.

Settings, from /etc/restorable/host-metrics.env (RESTORABLE_METRICS_ENV names another file):
  METRICS_DIRECTORY               folder of the textfile collector
  INCUS_PROJECT, STORAGE_POOL     where the volumes are
  HOST                            name of this host, as a reporter
  VOLUMES                         names of the stack's volumes on this host; none: no file
  TIMERS, CERTIFICATES            what is expected on this machine
From the environment:
  LOOK_TIMEOUT_SECONDS            how long the answer for one volume may take (10)
TEXT
}

# shellcheck source=scripts/metrics/textfile.sh
. "$(dirname "${BASH_SOURCE[0]}")/textfile.sh"
only_help "$@"
load_settings "${RESTORABLE_METRICS_ENV:-/etc/restorable/host-metrics.env}"
: "${METRICS_DIRECTORY:?not set}" "${INCUS_PROJECT:?not set}" "${STORAGE_POOL:?not set}" "${HOST:?not set}"

# ask PATH: the answer of Incus' API.
ask() { timeout -k 2 "${LOOK_TIMEOUT_SECONDS:-10}" incus query "$1?project=$INCUS_PROJECT" </dev/null; }

# usage_of VOLUME: `USED SIZE` in bytes. Fails where the pool does not count, or the volume has no limit.
usage_of() {
  local path=/1.0/storage-pools/$STORAGE_POOL/volumes/custom/$1 used total size
  read -r used total < <(ask "$path/state" | jq -er '.usage | "\(.used // 0) \(.total // 0)"') || return 1
  number "$used" && number "$total" || return 1
  if [ "$total" -le 0 ]; then
    # Some versions tell the limit of a btrfs volume in its configuration only.
    size=$(ask "$path" | jq -er .config.size) || return 1
    total=$(numfmt --from=auto "${size%B}" 2>/dev/null) || return 1
  fi
  [ "$used" -gt 0 ] && [ "$total" -gt 0 ] && echo "$used $total"
}

volumes() {
  local volume used total sizes='' uses=''
  for volume in $VOLUMES; do
    if ! read -r used total < <(usage_of "$volume"); then
      echo "Incus does not tell how full volume $volume of pool $STORAGE_POOL is: the series stay as they were" >&2
      return 1
    fi
    sizes+="restorable_volume_size_bytes{volume=\"$(label "$volume")\"} $total"$'\n'
    uses+="restorable_volume_used_bytes{volume=\"$(label "$volume")\"} $used"$'\n'
  done
  head_of restorable_volume_size_bytes gauge "Size limit of the data volume."
  printf %s "$sizes"
  head_of restorable_volume_used_bytes gauge "Bytes in use on the data volume."
  printf %s "$uses"
}

# live: what is there, whoever made it, in every pool of the project.
live() {
  local pools pool found all='' volume
  pools=$(timeout -k 2 "${LOOK_TIMEOUT_SECONDS:-10}" incus query /1.0/storage-pools </dev/null | jq -er '.[] | sub(".*/"; "")') || return 1
  for pool in $pools; do
    found=$(ask "/1.0/storage-pools/$pool/volumes/custom" | jq -er 'arrays | map(sub(".*/"; "") | sub("[?].*"; "")) | join(" ")') || return 1
    all+=" $found"
  done
  head_of restorable_live_volume gauge "1: this volume lives."
  for volume in $(tr ' ' '\n' <<<"$all" | sort -u); do
    printf 'restorable_live_volume{place="incus",namespace="%s",name="%s"} 1\n' "$(label "$INCUS_PROJECT")" "$(label "$volume")"
  done
  head_of restorable_live_timestamp_seconds gauge "When the inventory was taken."
  printf 'restorable_live_timestamp_seconds{place="incus",reporter="%s"} %s\n' "$(label "$HOST")" "$(date +%s)"
}

status=0
if text=$(live); then
  replace_file "$METRICS_DIRECTORY/restorable_live.prom" <<<"$text" || status=1
else
  echo "Incus does not list the volumes of project $INCUS_PROJECT: the inventory stays as it was" >&2
  status=1
fi
if [ -n "${VOLUMES:-}" ]; then
  if text=$(volumes); then
    replace_file "$METRICS_DIRECTORY/restorable_volumes.prom" <<<"$text" || status=1
  else
    status=1
  fi
fi
machine_series "${TIMERS:-}" "${CERTIFICATES:-}" | replace_file "$METRICS_DIRECTORY/restorable_host.prom" || status=1
exit "$status"
