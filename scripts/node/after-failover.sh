#!/usr/bin/env bash
# After a failover: proves that all WAL of the former timeline is in every repository, and closes what is open. Run each
# minute by restorable-after-failover.service; it works only when this primary's timeline is newer than the last one
# proven.
#
# Why there may be a hole: a standby keeps what it receives but archives nothing (archive_mode=on), so segments that
# the lost primary had not pushed are on their way nowhere. The new primary still has them for wal_keep_size.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: after-failover.sh [--help]
Run as postgres. On a primary with a new timeline:
  1 closes the WAL segment, which also frees a former primary that waits in `demoted`
  2 asks every repository for the segments of the former timelines since the last full backup before the switch,
    pushes those that are missing from its own pg_wal, and asks again
  3 takes a differential backup at once into a repository with a hole that cannot be closed
  4 runs `pgbackrest check`
and writes the timeline down only when all of that is proven. Otherwise the next minute tries again.

Exit: 0 proven, nothing to do, or a standby; 1 not proven; 2 wrong use or settings; 3 the role cannot be decided.

Settings, from /etc/restorable/backup.env: STANZA, REPOSITORIES, PGDATA, PG_MAJOR. From the environment:
  METRICS_DIRECTORY   folder of the textfile collector; restorable_archive.prom is written there
  STATE_DIRECTORY     where the proven timeline is kept (/var/lib/postgresql/restorable)
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
: "${STANZA:?not set in backup.env}" "${REPOSITORIES:?not set in backup.env}" "${PGDATA:?not set in backup.env}"
# shellcheck source=scripts/node/archiving.sh
. "$here/archiving.sh"
# shellcheck source=scripts/node/holes.sh
. "$here/holes.sh"
metrics=${METRICS_DIRECTORY:-/var/lib/node_exporter/textfile_collector}

# What is proven: `SYSTEM_IDENTIFIER TIMELINE TIME`.
proven_system="" proven=0 proven_at=0
if [[ -r $state/archive-proven ]]; then read -r proven_system proven proven_at <"$state/archive-proven"; fi

# write FILE <text, at once or not at all
write() {
  local new
  new=$(mktemp "$1.XXXXXX")
  cat >"$new"
  chmod 0644 "$new"
  mv -f "$new" "$1"
}

# metric 0|1: 1 while the former timelines are not proven to be whole.
metric() {
  write "$metrics/restorable_archive.prom" <<PROM
# HELP restorable_archive_gap 1 while WAL of a former timeline is missing in a repository, or not proven to be there.
# TYPE restorable_archive_gap gauge
restorable_archive_gap $1
# HELP restorable_archive_gap_closed_timestamp_seconds When the former timelines were last proven to be whole.
# TYPE restorable_archive_gap_closed_timestamp_seconds gauge
restorable_archive_gap_closed_timestamp_seconds $proven_at
# HELP restorable_archive_checked_timeline Newest timeline whose predecessors are proven.
# TYPE restorable_archive_checked_timeline gauge
restorable_archive_checked_timeline $proven
PROM
}

# metric_stands 0|1: written only when it says something else, so that a quiet minute writes nothing.
metric_stands() {
  local file=$metrics/restorable_archive.prom
  if ! grep -qxF "restorable_archive_gap $1" "$file" 2>/dev/null ||
    ! grep -qxF "restorable_archive_checked_timeline $proven" "$file"; then
    metric "$1"
  fi
}

query() {
  PGCONNECT_TIMEOUT=5 timeout --signal=INT --kill-after=5 20 psql -XAtq -F ' ' -v ON_ERROR_STOP=1 -d postgres -c "$1"
}

# prove NUMBER: 0 the repository is whole; 1 it is not, or it cannot be asked.
prove() {
  local number=$1 answer id timeline first switch from type start gaps closed history
  if ! answer=$(facts "$number"); then
    echo "repository $number gives no answer: not proven" >&2
    return 1
  fi
  id=${answer%%$'\n'*}
  history=$(printf '%08X.history' "$current")
  if ! repository "$number" repo-ls "archive/$STANZA/$id" | grep -q "^$history"; then push "$number" "$PGDATA/pg_wal/$history" || true; fi
  while read -r timeline first switch; do
    ((timeline >= proven)) || continue
    # From the newest full backup before the switch on: WAL from before may have expired.
    from=$first closed=""
    while read -r type start; do
      [[ $start =~ ^[0-9A-F]{24}$ ]] || continue
      if ((16#${start:0:8} > timeline && $(segment_number "$start") >= switch)); then
        closed=$start
      elif [[ $type == full ]] && (($(segment_number "$start") > from)); then
        from=$(segment_number "$start")
      fi
    done < <(tail -n +2 <<<"$answer")
    if ! gaps=$(missing "$number" "$id" "$timeline" "$from" $((switch - 1))); then
      echo "repository $number cannot be listed: not proven" >&2
      return 1
    fi
    if [[ -n $gaps ]]; then
      # shellcheck disable=SC2086
      fill "$number" $gaps
      echo "repository $number lacked $(wc -w <<<"$gaps") segments of timeline $timeline, from ${gaps%%$'\n'*} on" >&2
      gaps=$(missing "$number" "$id" "$timeline" "$from" $((switch - 1))) || return 1
    fi
    if [[ -z $gaps ]]; then
      echo "repository $number: timeline $timeline is whole from $(segment_name "$timeline" "$from") to its end"
    elif [[ -n $closed ]]; then
      echo "repository $number: timeline $timeline has a hole at ${gaps%%$'\n'*}; a backup taken after it is there"
    else
      echo "repository $number: a hole in timeline $timeline at ${gaps%%$'\n'*} cannot be closed: taking a backup now; no point in time from there to the failover can be restored" >&2
      pgbackrest --stanza="$STANZA" --repo="$number" --type=diff backup || return 1
    fi
  done < <(ancestors <"$work/history")
}

if ! answer=$(query "SELECT pg_is_in_recovery(), pg_size_bytes(current_setting('wal_segment_size')), system_identifier,
    CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END FROM pg_control_system()" 2>/dev/null); then
  # Postgres being down is another alarm's matter, and nothing is known about its role.
  exit 0
fi
read -r recovery SEGMENT_BYTES system current <<<"$answer"
if [[ $recovery == t ]]; then
  # The primary answers for the archive.
  metric_stands 0
  exit 0
fi
current=$((16#$current))
[[ $proven_system == "$system" ]] || proven=0
if ((proven == current)); then
  metric_stands 0
  exit 0
fi

role=$(ROLE_WAIT_SECONDS=${ROLE_WAIT_SECONDS:-6} ROLE_TIMEOUT_SECONDS=${ROLE_TIMEOUT_SECONDS:-5} node_role)
[[ $role == primary ]] || exit 0
mkdir -p "$state"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ((current > 1)); then
  metric_stands 1
  if [[ $(cat "$state/switched" 2>/dev/null) != "$system $current" ]]; then
    query "SELECT pg_switch_wal()" >/dev/null
    write "$state/switched" <<<"$system $current"
  fi
  file=$PGDATA/pg_wal/$(printf '%08X.history' "$current")
  cp "$file" "$work/history" || { echo "$file cannot be read: not proven" >&2; exit 1; }
  failed=0
  proving=()
  for number in $REPOSITORIES; do
    # Out of archiving, or with a hole that is known: archiving-close.sh proves all timelines before it says that it is closed.
    if suspended "$number" || has_hole "$number"; then
      echo "repository $number: left to the job that closes its hole"
      continue
    fi
    if prove "$number"; then
      proving+=("$number")
    elif suspended "$number"; then
      echo "repository $number: left out of archiving meanwhile, and to the job that closes its hole"
    else
      failed=1
    fi
  done
  for number in "${proving[@]}"; do
    if ! pgbackrest --config="$archiving/repo$number.conf" --stanza="$STANZA" --log-level-console=warn --log-level-file=off \
      --archive-timeout=60 check; then
      echo "WAL of timeline $current does not reach repository $number: not proven" >&2
      failed=1
    fi
  done
  ((failed == 0)) || exit 1
  echo "timeline $current: archiving goes on without a hole in repository ${proving[*]}"
fi
proven=$current proven_at=$(date +%s)
write "$state/archive-proven" <<<"$system $proven $proven_at"
metric 0
