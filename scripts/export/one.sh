# shellcheck shell=bash disable=SC2034,SC2154
# One export, from the snapshot to the seal, and the end of those that it replaces. Needs store.sh, upload.sh, dump.sh,
# $work, RETENTION_DAYS. further_objects PATH, where it is defined, uploads what belongs to an export beside dump and
# counts, and prints its lines of the seal.

# What make_export made.
STAMP='' SIZE='' TOOK=''

# prune FOLDER STAMP: hides what is older than the retention, the seal first, so that what is left of an export never
# looks whole. STAMP, the one just read back, stays whatever the clock says.
prune() {
  local folder=$1 newest=$2 stamp before state found
  before=$(($(date +%s) - RETENTION_DAYS * 86400))
  found=$(all_exports "$folder") || return 1
  while read -r _ stamp _ state; do
    if [ -z "$stamp" ] || [ "$stamp" = "$newest" ]; then continue; fi
    if [ "$(stamp_seconds "$stamp")" -ge "$before" ]; then continue; fi
    hide "$folder/$stamp".{dump.age.sha256,counts.age,dump.age} || return 1
    if declare -F further_objects >/dev/null; then hide "$folder/$stamp.roles.age" || return 1; fi
    echo "$folder: $stamp hidden ($state, older than $RETENTION_DAYS days)"
  done <<<"$found"
}

# make_export FOLDER DATABASE: dumps, uploads, reads back, seals. Sets STAMP, SIZE, TOOK.
make_export() {
  local folder=$1 database=$2 started=$SECONDS size sum counts further=''
  STAMP=$(date -u +%Y%m%dT%H%M%SZ)
  snapshot_begin "$database" || return 1
  if ! upload "$folder/$STAMP.dump.age" "$CHUNK_MIB" dump_of "$database"; then
    snapshot_end
    hide "$folder/$STAMP.dump.age" || true
    return 1
  fi
  snapshot_end
  size=$BYTES sum=$SUM
  upload "$folder/$STAMP.counts.age" 8 cat "$work/counts" || return 1
  counts=$SUM
  if declare -F further_objects >/dev/null; then further=$(further_objects "$folder/$STAMP") || return 1; fi
  seal "$folder/$STAMP.dump.age.sha256" <<SEAL || return 1
# restorable export 1
# bytes $size
# database-bytes $DATABASE_BYTES
$sum  $STAMP.dump.age
$counts  $STAMP.counts.age
$further
SEAL
  SIZE=$size TOOK=$((SECONDS - started))
  echo "$database: $size bytes, $STAMP, $TOOK s"
}
