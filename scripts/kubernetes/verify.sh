#!/usr/bin/env bash
# cnpg_backup_verify: whether the off-cluster backups are there, fresh and whole. Run by its CronJob.
# shellcheck disable=SC2034,SC2317 # traps and parts call functions, and read what is set
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: verify.sh
Looks into the bucket, with the reader's key, for the newest dump of each database and the newest base backup of each CNPG
cluster: there, younger than its bound, and whole. A dump is read in full and compared with its seal, by size and SHA-256;
a base backup has to be done, to read as whole gzip files (size and CRC), and the WAL that it needs to be there. It
cannot decrypt: only the drill shows that a dump restores.

Exit: 0 all passed; 1 one failed; 2 one could not be verified (or wrong settings). 1 comes before 2.

Settings, from the environment:
  EXPORTS_ROOT      REMOTE:BUCKET/PREFIX of the dumps for rclone
  MAX_AGE_HOURS     age from which a backup is too old
  ONLY              this one of the names only; empty for all
  PUSHGATEWAY_URL METRICS_PREFIX
Files: /etc/restorable/store/rclone.conf, /etc/restorable/public/{backups.json,store-ca.crt}; RESTORABLE_ETC names another
  folder than /etc/restorable.
TEXT
}
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/metrics/textfile.sh
. "$here/../metrics/textfile.sh"
only_help "$@"
# shellcheck source=scripts/kubernetes/pod.sh
. "$here/pod.sh"
# shellcheck source=scripts/export/store.sh
. "$here/../export/store.sh"
# shellcheck source=scripts/export/upload.sh
. "$here/../export/upload.sh"
# shellcheck source=scripts/kubernetes/backups.sh
. "$here/backups.sh"
need EXPORTS_ROOT MAX_AGE_HOURS PUSHGATEWAY_URL METRICS_PREFIX STANZA
etc=${RESTORABLE_ETC:-/etc/restorable}
export LC_ALL=C
umask 077
bucket_settings
work=$(mktemp -d)
REPORT=report
trap conclude EXIT
trap 'end_child; [ "$WORST" = 1 ] || WORST=2; exit' TERM INT

report() {
  local at passed='' failed=''
  at=$(date +%s)
  case $OUTCOME in pass) passed=$at failed=0 ;; fail) failed=1 ;; esac
  {
    gauge cluster_verify_failed "1 if the last check with a verdict found no good backup." "$failed"
    gauge cluster_verify_last_success_timestamp_seconds "End of the last check that passed." "$passed"
    gauge cluster_verify_last_attempt_timestamp_seconds "End of the last check, whatever came of it." "$at"
    outcomes cluster_verify_outcome "Outcome of the last check: 1 for the one that holds." "$OUTCOME"
    if [ -s "$work/newest" ]; then
      gauge cluster_verify_backup_timestamp_seconds "When the newest complete backup was begun." "$(cut -d' ' -f1 "$work/newest")"
      gauge cluster_verify_backup_size_bytes "Its size." "$(cut -d' ' -f2 "$work/newest")"
    fi
  } | push POST restorable_cluster_verify "$NAMESPACE" "$SOURCE" "$DATABASE"
}

# young SECONDS: ends the part when a backup of then is too old.
young() {
  local age=$((BEGAN - $1))
  ((age <= MAX_AGE_HOURS * 3600)) ||
    verdict fail too_old "the newest complete backup is $((age / 3600)) h old, $MAX_AGE_HOURS h are allowed"
}

# no_answer FILE: ends the part with what the store said.
no_answer() {
  local outcome reason
  read -r outcome reason <<<"$(store_outcome "$(cat "$1")")"
  verdict "$outcome" "$reason" "$(said "$1")"
}

dump_part() {
  local stamp bytes seal object sum
  newest_of "$NAME"
  read -r stamp bytes <<<"$NEWEST"
  printf '%s %s\n' "$(stamp_seconds "$stamp")" "$bytes" >"$work/newest"
  young "$(stamp_seconds "$stamp")"
  seal=$(store cat "$EXPORTS_ROOT/$NAME/$stamp.dump.age.sha256" 2>"$work/said") || no_answer "$work/said"
  [ "$(seal_value "$seal" bytes)" = "$bytes" ] ||
    verdict fail wrong_size "$stamp.dump.age has $bytes bytes, its seal says $(seal_value "$seal" bytes)"
  for object in dump counts roles; do
    sum=$(seal_sum "$seal" "$stamp.$object.age")
    if [ -z "$sum" ]; then
      [ "$object" != roles ] || continue
      verdict fail seal_unreadable "the seal of $stamp has no checksum of $object"
    fi
    store cat "$EXPORTS_ROOT/$NAME/$stamp.$object.age" 2>"$work/said" | sha256sum >"$work/sum" || no_answer "$work/said"
    [ "$(cut -d' ' -f1 "$work/sum")" = "$sum" ] ||
      verdict fail wrong_checksum "$stamp.$object.age is not what was uploaded: its SHA-256 is another one"
  done
  verdict pass none "$stamp, $bytes bytes, as sealed"
}

# Of a backup.info: the value of KEY.
info() { sed -n "s/^$1=//p" "$work/info" | head -n 1; }

wal_name() { [[ $1 =~ ^[0-9A-F]{24}$ ]]; }

cnpg_part() {
  local root ids id='' bytes=0 ended object size wal missing
  root=$(field root)
  ids=$(store lsf --dirs-only "$root/base" 2>"$work/said") || no_answer "$work/said"
  # Ids are times: the newest that is done counts.
  while IFS= read -r id; do
    id=${id%/}
    [ -n "$id" ] || continue
    store cat "$root/base/$id/backup.info" >"$work/info" 2>"$work/said" || no_answer "$work/said"
    [ "$(info status)" != DONE ] || break
    id=''
  done < <(LC_ALL=C sort -r <<<"$ids")
  [ -n "$id" ] || verdict fail no_backup "no base backup in $root/base that is done"
  ended=$(date -u -d "$(info begin_time)" +%s 2>/dev/null) || verdict fail info_unreadable "$id/backup.info names no begin_time"
  store lsf --files-only --format sp --separator ' ' "$root/base/$id" >"$work/objects" 2>"$work/said" || no_answer "$work/said"
  while read -r size object; do
    case $object in
      backup.info) continue ;;
      *.tar.gz)
        store cat "$root/base/$id/$object" 2>"$work/said" | gzip -t 2>"$work/gzip" ||
          { [ ! -s "$work/said" ] || no_answer "$work/said"
            verdict fail damaged "$id/$object is no whole gzip file: $(said "$work/gzip")"; }
        ;;
    esac
    bytes=$((bytes + size))
  done <"$work/objects"
  grep -q ' data\.tar' "$work/objects" || verdict fail incomplete "$id has no data.tar"
  printf '%s %s\n' "$ended" "$bytes" >"$work/newest"
  young "$ended"
  # What the backup cannot start without; what comes later, the server archives or says that it does not.
  for wal in "$(info begin_wal)" "$(info end_wal)"; do
    wal_name "$wal" || verdict fail info_unreadable "$id/backup.info names no WAL file"
    missing=$(store lsf --files-only "$root/wals/${wal:0:16}" 2>"$work/said") || no_answer "$work/said"
    # Whole, and the segment itself: a .partial is none, nor is the history file of the backup, which begins like it.
    grep -qE "^$wal(\.(gz|bz2|xz|zst|lz4|snappy))?$" <<<"$missing" || verdict fail wal_missing "$id needs WAL $wal, which is not in $root/wals"
  done
  verdict pass none "$id, $bytes bytes, whole, with its WAL"
}

set +e
parts databases dump_part report
parts cnpg cnpg_part report
[ -n "${FOUND:-}" ] || { echo "there is no backup of the name ${ONLY:-any}" >&2; WORST=2; }
exit
