#!/usr/bin/env bash
# Takes a repository that does not take WAL out of archiving, so that the others get theirs, and puts it back once it
# does. Run every few seconds by restorable-archiving.service, on every data node; only a node that archives acts.
#
# Why: pgBackRest's archive-push succeeds when every repository has the file, and while one of them hangs the others
# wait with it. docs/archiving.md has the figures and what else was weighed.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: archiving-watch.sh [--render]
Run as postgres. On a node that takes writes, when the oldest WAL that waits for its archiving is older than the bound:
  asks each repository by itself to take that very file; those that do not are taken out of archive_command's
  configuration, as long as one remains that does. When none does, nothing is changed: the WAL stays in pg_wal.
A repository that is out is asked at each look; when it has taken WAL for long enough it is put back.
archiving-close.sh then closes the hole. On a standby nothing is out: the primary answers for the archive.

  --render   only writes the configurations and the metrics as settings and state want them

Exit: 0 looked, whatever was found; 1 a configuration or the metrics could not be written; 2 wrong use or settings.

Settings, from /etc/restorable/backup.env: STANZA, REPOSITORIES, PGDATA, SUSPEND_AFTER_SECONDS (15),
RESUME_AFTER_SECONDS (20), PROBE_SECONDS (5). From the environment:
  METRICS_DIRECTORY   folder of the textfile collector; restorable_archiving.prom is written there
  STATE_DIRECTORY     where the state is kept (/var/lib/postgresql/restorable)
TEXT
}

here=$(dirname "${BASH_SOURCE[0]}")
only_render=n
if [[ ${1:-} == --render ]]; then
  only_render=y
  shift
fi
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

# query STATEMENT: short, for every look may need it.
query() {
  PGCONNECT_TIMEOUT=3 timeout --signal=INT --kill-after=5 10 psql -XAtq -F ' ' -v ON_ERROR_STOP=1 -d postgres -c "$1"
}

# waiting: `SINCE NAME` of the file that waits longest for its archiving; nothing when none does.
waiting() {
  find "$PGDATA/pg_wal/archive_status" -maxdepth 1 -name '*.ready' -printf '%T@ %f\n' 2>/dev/null |
    awk 'NR == 1 || $1 < since { since = $1; name = $2 } END { if (NR) { sub(/\.ready$/, "", name); printf "%d %s\n", since, name } }'
}

# takes NUMBER FILE: whether this repository, by itself, takes the file.
takes() {
  local status=0
  timeout -k 2 $((${PROBE_SECONDS:-5} * 3)) pgbackrest --config="$archiving/repo$1.conf" --stanza="$STANZA" --no-archive-async \
    --io-timeout="${PROBE_SECONDS:-5}" --log-level-console=off --log-level-stderr=error --log-level-file=off \
    archive-push "$2" 2>"$work/said-$1" || status=$?
  ((status != 124 && status != 137)) || echo "no answer within $((${PROBE_SECONDS:-5} * 3)) s" >>"$work/said-$1"
  return "$status"
}

# said NUMBER: the reason, on one line.
said() { sed -n '/[A-Za-z]/{s/^ERROR: *//;s/  */ /g;p;q}' "$work/said-$1" | cut -c1-200; }

# next_of NUMBER: the file to ask a repository that is out with: the next one of its hole that is still in pg_wal, else
# the newest whole one. What it takes is missing there no more.
next_of() {
  local name=""
  if [[ -r $state/returned-$1 ]]; then
    read -r _ name <"$state/returned-$1" || true
  elif [[ -r $state/hole-$1 ]]; then
    read -r _ name <"$state/hole-$1" || true
  fi
  if [[ $name =~ ^[0-9A-F]{24}$ ]] && finished_segment "$PGDATA/pg_wal/$name"; then
    echo "$name"
    return
  fi
  find "$PGDATA/pg_wal/archive_status" -maxdepth 1 \( -name '*.done' -o -name '*.ready' \) -printf '%f\n' |
    sed -n 's/^\([0-9A-F]\{24\}\)\.[a-z]*$/\1/p' | sort | tail -n 1
}

# pushes: pids of what pushes for archive_command: what the archiver waits for, and the asynchronous push behind it.
pushes() {
  ps -u "$(id -u)" -o pid=,ppid=,args= | awk -v conf="--config=$archiving/push.conf" '
    { pid = $1; parent[pid] = $2; $1 = $2 = ""; args[pid] = $0 }
    args[pid] ~ /^ *postgres: .*archiver/ { archiver[pid] = 1 }
    END {
      for (pid in args) {
        if (!index(args[pid], conf) || args[pid] !~ /^ *([^ ]*\/)?pgbackrest .*archive-push/) continue
        if (args[pid] ~ /archive-push:async/) { print pid; continue }
        if (archiver[parent[pid]] || archiver[parent[parent[pid]]]) print pid
      }
    }'
}

# begin_anew WHY: archive_command reads its configuration at its start, so what runs with the former one is ended; the
# archiver tries again by itself, at once when new WAL is there.
begin_anew() {
  local pid
  for pid in $(pushes); do kill "$pid" 2>/dev/null || true; done
  query "SELECT pg_create_restore_point('restorable: $1'), pg_switch_wal()" >/dev/null || true
}

# changed: writes the configurations, and if archive_command's is another one now, has the archiver begin with it.
changed() {
  local before
  before=$(cksum <"$archiving/push.conf" 2>/dev/null) || before=""
  render_archiving || return 1
  [[ $(cksum <"$archiving/push.conf") == "$before" ]] || begin_anew "$1"
}

# dropped: whether pgBackRest gave WAL up since the last look, which leaves a hole in every repository.
dropped() {
  local total=0 before=0 file=${DROPPED_FILE:-/var/lib/restorable-metrics/wal-dropped}
  [[ -r $file ]] || return 1
  total=$(sed -n 's/^total //p' "$file")
  [[ $total =~ ^[0-9]+$ ]] || return 1
  if [[ -r $state/dropped ]]; then before=$(cat "$state/dropped"); fi
  [[ $total == "$before" ]] || put "$state/dropped" <<<"$total"
  ((total > before))
}

mkdir -p "$state"
if [[ $only_render == y ]]; then
  lock_state -w 60 || { echo "another look at archiving does not end" >&2; exit 1; }
else
  # The next look comes soon enough.
  lock_state -n || exit 0
fi
render_archiving || { echo "$archiving cannot be written" >&2; exit 1; }
archiving_metrics
[[ $only_render == n ]] || exit 0

now=$(date +%s)
read -r since name <<<"$(waiting)" || true
stalled=n
if [[ -n ${name:-} ]] && ((now - since >= ${SUSPEND_AFTER_SECONDS:-15})); then stalled=y; fi
lost=n
if dropped; then lost=y; fi
shopt -s nullglob
known=("$state"/{suspended,hole,returned}-*)
if [[ $stalled$lost == nn ]] && ((${#known[@]} == 0)); then exit 0; fi

answer=$(query "SELECT pg_is_in_recovery(), pg_size_bytes(current_setting('wal_segment_size'))" 2>/dev/null) || exit 0
read -r recovery SEGMENT_BYTES <<<"$answer"
if [[ $recovery == t ]]; then
  if ((${#known[@]} > 0)); then
    echo "this node follows now: the primary answers for what repositories lack"
    rm -f "${known[@]}"
    render_archiving
    archiving_metrics
  fi
  exit 0
fi

if [[ $lost == y ]]; then
  echo "WAL was dropped: every repository has a hole now" >&2
  for number in $REPOSITORIES; do [[ -e $state/hole-$number ]] || put "$state/hole-$number" <<<"$now"; done
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
declare -A job=() file=()
for number in $REPOSITORIES; do
  if suspended "$number"; then
    file[$number]=$(next_of "$number")
  elif [[ $stalled == y ]]; then
    file[$number]=$name
  else
    continue
  fi
  [[ -n ${file[$number]} ]] || continue
  takes "$number" "$PGDATA/pg_wal/${file[$number]}" &
  job[$number]=$!
done
healthy=() dead=() returned=()
for number in $REPOSITORIES; do
  if [[ -z ${job[$number]:-} ]]; then
    suspended "$number" || healthy+=("$number")
  elif wait "${job[$number]}"; then
    if suspended "$number"; then returned+=("$number"); else healthy+=("$number"); fi
  elif [[ ! -e $PGDATA/pg_wal/${file[$number]} ]]; then
    # Archived and removed in the middle of the question: it tells nothing.
    suspended "$number" || healthy+=("$number")
  elif suspended "$number"; then
    rm -f "$state/returned-$number"
  else
    dead+=("$number")
  fi
done

# Put back: after it took WAL for a while, or at once when nothing else would be left.
for number in "${returned[@]}"; do
  begun=$(since_of returned "$number")
  ((begun > 0)) || begun=$now
  following=""
  if [[ ${file[$number]} =~ ^[0-9A-F]{24}$ ]]; then
    following=$(segment_name $((16#${file[$number]:0:8})) $(($(segment_number "${file[$number]}") + 1)))
  fi
  put "$state/returned-$number" <<<"$begun $following"
  if ((now - begun >= ${RESUME_AFTER_SECONDS:-20})) || ((${#healthy[@]} == 0)); then
    rm -f "$state/suspended-$number" "$state/returned-$number"
    healthy+=("$number")
    echo "repository $number takes WAL again: back in archiving; its hole is to be closed"
  fi
done
if ((${#dead[@]} > 0)); then
  if ((${#healthy[@]} == 0)); then
    echo "no repository takes WAL (${name}: repository ${dead[0]}: $(said "${dead[0]}")): nothing is left out, WAL stays in pg_wal" >&2
  else
    for number in "${dead[@]}"; do
      [[ -e $state/hole-$number ]] || put "$state/hole-$number" <<<"$now $name"
      put "$state/suspended-$number" <<<"$now"
      echo "repository $number does not take WAL, $name waits for $((now - since)) s: taken out of archiving ($(said "$number"))" >&2
    done
  fi
fi
changed "repositories $(archiving_to)"
archiving_metrics
