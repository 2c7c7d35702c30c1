#!/usr/bin/env bash
# Closes the hole in a repository that was out of archiving and is back. Run every few seconds by
# restorable-archiving-close.service; without a hole it ends at once.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: archiving-close.sh [--help]
Run as postgres. On a primary, for each repository with a hole that archive_command pushes to again:
  1 `pgbackrest check`: new WAL arrives there, so the hole grows no more
  2 asks for all segments since its newest full backup, and brings those that are missing: from pg_wal, or from
    another repository that has them
  3 takes an incremental backup into it when segments can be had from nowhere, or are more than FILL_SEGMENTS
and says that the hole is closed only when the repository itself shows it. Otherwise the next run tries again.

Exit: 0 closed, or nothing to do; 1 not closed yet; 2 wrong use or settings; 3 the role cannot be decided.

Settings, from /etc/restorable/backup.env: STANZA, REPOSITORIES, PGDATA, PG_MAJOR, FILL_SEGMENTS (512).
From the environment:
  METRICS_DIRECTORY   folder of the textfile collector; restorable_archiving.prom is written there
  STATE_DIRECTORY     where the state is kept (/var/lib/postgresql/restorable)
TEXT
}

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/node/arguments.sh
. "$here/arguments.sh"
no_arguments "$@"
# shellcheck source=scripts/node/role.sh
. "$here/role.sh"
# shellcheck source=scripts/node/wal.sh
. "$here/wal.sh"
load_backup_env
: "${STANZA:?not set in backup.env}" "${PGDATA:?not set in backup.env}"
# shellcheck source=scripts/node/archiving.sh
. "$here/archiving.sh"
# shellcheck source=scripts/node/holes.sh
. "$here/holes.sh"

query() {
  PGCONNECT_TIMEOUT=5 timeout --signal=INT --kill-after=5 20 psql -XAtq -F ' ' -v ON_ERROR_STOP=1 -d postgres -c "$1"
}

# spans: `TIMELINE FIRST LAST` of all segments of this history up to the one that the check closed.
spans() {
  local timeline first switch begin=1
  if ((current > 1)); then
    while read -r timeline first switch; do
      echo "$timeline $first $((switch - 1))"
      begin=$switch
    done < <(ancestors <"$PGDATA/pg_wal/$(printf '%08X.history' "$current")")
  fi
  echo "$current $begin $last"
}

# gaps NUMBER ID FROM: names of all segments from number FROM on that the repository lacks.
gaps() {
  local timeline first end
  while read -r timeline first end; do
    ((first >= $3)) || first=$3
    missing "$1" "$2" "$timeline" "$first" "$end" || return 1
  done < <(spans)
}

# histories NUMBER ID: without the file that tells how a timeline began, no restore follows it.
histories() {
  local there file
  there=$(repository "$1" repo-ls "archive/$STANZA/$2") || { echo "repository $1 cannot be listed: its hole stays open" >&2; return 1; }
  for file in "$PGDATA"/pg_wal/????????.history; do
    [[ -e $file ]] || break
    grep -q "^${file##*/}" <<<"$there" || push "$1" "$file" || return 1
  done
}

# close_hole NUMBER
close_hole() {
  local number=$1 hole answer id from="" type start newest="" lacking before count
  hole=$(cat "$state/hole-$number")
  if ! timeout -k 5 120 pgbackrest --config="$archiving/repo$number.conf" --stanza="$STANZA" --archive-timeout=45 \
    --log-level-console=off --log-level-stderr=error --log-level-file=off check; then
    echo "repository $number: new WAL does not arrive there yet: its hole stays open" >&2
    return 1
  fi
  answer=$(facts "$number") || { echo "repository $number gives no answer: its hole stays open" >&2; return 1; }
  id=${answer%%$'\n'*}
  histories "$number" "$id" || return 1
  while read -r type start; do
    [[ $start =~ ^[0-9A-F]{24}$ ]] || continue
    newest=$(segment_number "$start")
    [[ $type != full ]] || from=$newest
  done < <(tail -n +2 <<<"$answer")
  # Nothing to replay WAL onto: what counts is that the WAL goes on from the hole.
  if [[ -z $from ]]; then
    start=${hole#* }
    if [[ $start =~ ^[0-9A-F]{24}$ ]]; then from=$(segment_number "$start"); else from=$last; fi
  fi
  before=$(gaps "$number" "$id" "$from") || { echo "repository $number cannot be listed: its hole stays open" >&2; return 1; }
  lacking=$before
  if [[ -n $before ]]; then
    count=$(wc -w <<<"$before")
    echo "repository $number lacks $count segments, from ${before%%$'\n'*} on"
    # shellcheck disable=SC2086
    fill "$number" $before
    lacking=$(gaps "$number" "$id" "$from") || return 1
  fi
  if [[ -z $lacking ]]; then
    closed "$number" "$hole" "whole from segment $(segment_name "$current" "$from") on"
  elif [[ -n $newest ]] && ((newest > $(segment_number "$(tail -n 1 <<<"$lacking")"))); then
    closed "$number" "$hole" "a backup taken after it is there"
  else
    echo "repository $number: $(wc -w <<<"$lacking") segments from ${lacking%%$'\n'*} on cannot be had: taking a backup now; no point in time from there to its end can be restored from this repository" >&2
    [[ $(node_role) == primary ]] || return 3
    pgbackrest --stanza="$STANZA" --repo="$number" --type=incr --log-level-console=warn backup || return 1
    closed "$number" "$hole" "by a backup"
  fi
}

# closed NUMBER HOLE HOW: unless it was taken out again meanwhile.
closed() {
  lock_state -w 600
  if ! suspended "$1" && [[ $(cat "$state/hole-$1" 2>/dev/null) == "$2" ]]; then
    rm -f "$state/hole-$1"
    put "$state/closed-$1" <<<"$(date +%s)"
    archiving_metrics
    echo "repository $1: its hole is closed: $3"
  fi
  unlock_state
}

open=()
for number in $REPOSITORIES; do
  if has_hole "$number" && ! suspended "$number"; then open+=("$number"); fi
done
((${#open[@]} > 0)) || exit 0
answer=$(query "SELECT pg_is_in_recovery(), pg_size_bytes(current_setting('wal_segment_size')),
    CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END" 2>/dev/null) || exit 0
read -r recovery SEGMENT_BYTES current <<<"$answer"
[[ $recovery == f ]] || exit 0
# The check closes this segment, and waits for it.
last=$(segment_number "$current")
current=$((16#${current:0:8}))
failed=0
for number in "${open[@]}"; do close_hole "$number" || failed=$?; done
exit "$failed"
