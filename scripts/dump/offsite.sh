# shellcheck shell=bash disable=SC2034,SC2154
# The encrypted copy of a dump in the off-site bucket: <EXPORTS_ROOT>/<UTC time>.dump.age and, written last, its seal
# <UTC time>.dump.age.sha256. Needs $work; with an empty EXPORTS_ROOT it does nothing.
# shellcheck source=scripts/export/store.sh
. "$LIB/export/store.sh"
# shellcheck source=scripts/export/upload.sh
. "$LIB/export/upload.sh"

# offsite_names: what is there, lines `BYTES NAME`; no folder yet is no failure.
offsite_names() {
  local listing
  listing=$(store lsf --files-only --format sp --separator ' ' "$EXPORTS_ROOT" 2>&1) || {
    [[ $listing == *"directory not found"* && $listing != *NoSuchBucket* ]] || { printf '%s\n' "$listing" >&2; return 1; }
    return 0
  }
  printf '%s\n' "$listing"
}

offsite_answers() {
  [ -n "${EXPORTS_ROOT:-}" ] || return 0
  offsite_names >/dev/null || { echo "the off-site bucket does not answer as it should" >&2; return 1; }
}

# offsite_copy FILE
offsite_copy() {
  local stamp size
  [ -n "${EXPORTS_ROOT:-}" ] || return 0
  stamp=$(date -u +%Y%m%dT%H%M%SZ)
  size=$(stat -c %s "$1")
  # A store takes 10000 parts of one object.
  upload "$stamp.dump.age" $((size / 9000 / 1048576 + 8)) cat "$1" || {
    hide "$stamp.dump.age" || true
    echo "${1##*/} is good, but did not get into the off-site bucket" >&2
    return 1
  }
  seal "$stamp.dump.age.sha256" <<SEAL || return 1
# restorable dump 1 of ${1##*/}
# bytes $BYTES
$SUM  $stamp.dump.age
SEAL
  COPIED=y
  offsite_prune "$stamp" || { echo "older copies could not be hidden" >&2; return 1; }
}

# offsite_prune STAMP: the seal first, so that what is left of a copy never looks whole. STAMP, just read back, stays.
offsite_prune() {
  local before names stamp
  before=$(($(date +%s) - KEEP_DAYS * 86400))
  names=$(offsite_names) || return 1
  while IFS= read -r stamp; do
    if ! is_stamp "$stamp" || [ "$stamp" = "$1" ] || [ "$(stamp_seconds "$stamp")" -ge "$before" ]; then continue; fi
    hide "$stamp".{dump.age.sha256,dump.age} || return 1
    echo "off site: $stamp hidden (older than $KEEP_DAYS days)"
  done < <(cut -d' ' -f2 <<<"$names" | cut -d. -f1 | sort -u)
}
