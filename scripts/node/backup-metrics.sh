#!/usr/bin/env bash
# What each repository holds, as metrics: asked from the repository itself, on every data node, each minute, by
# restorable-metrics.service. Both nodes ask: either of them may be the one that cannot reach the store.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: backup-metrics.sh [--help]
Run as postgres. Writes restorable_repository_<N>.prom for each repository and restorable_node.prom (timers,
certificates, dropped WAL) for node_exporter's textfile collector.

A repository that gives no answer in time, or one that makes no sense, has restorable_repository_reachable 0; its
other series stay as the last answer left them. A repository that answers that it holds nothing has 0 backups, the
last one at 0.

Exit: 0 written, whatever the repositories answered; 1 a file could not be written; 2 wrong use or settings.

Settings, from /etc/restorable/metrics.env (RESTORABLE_METRICS_ENV names another file):
  METRICS_DIRECTORY       folder of the textfile collector
  STANZA, REPOSITORIES    as in pgbackrest.conf; numbers
  TIMERS, CERTIFICATES    what is expected on this machine
From the environment:
  LOOK_TIMEOUT_SECONDS    how long one question to a repository may take (20); all are asked at once
  ARCHIVE_LOGS            folder of pgBackRest's logs (/var/log/pgbackrest)
  STATE_DIRECTORY         where the count of dropped WAL is kept (/var/lib/restorable-metrics)
TEXT
}

# shellcheck source=scripts/metrics/textfile.sh
. "$(dirname "${BASH_SOURCE[0]}")/../metrics/textfile.sh"
only_help "$@"
load_settings "${RESTORABLE_METRICS_ENV:-/etc/restorable/metrics.env}"
: "${METRICS_DIRECTORY:?not set in metrics.env}" "${STANZA:?not set in metrics.env}" "${REPOSITORIES:?not set in metrics.env}"
state=${STATE_DIRECTORY:-/var/lib/restorable-metrics}

# ask REPOSITORY COMMAND...
ask() {
  local repository=$1
  shift
  timeout -k 2 "${LOOK_TIMEOUT_SECONDS:-20}" pgbackrest --stanza="$STANZA" --repo="$repository" --io-timeout=10 \
    --log-level-console=off --log-level-file=off --log-level-stderr=error --output=json "$@"
}

# facts <INFO: `full TIME SIZE COUNT` for each type, then `wal ID MIN MAX`; fails on an answer that is none. Codes of
# pgBackRest's `info`: 0 fine, 1 and 3 no stanza, 2 no backups; all others say that it does not know. A backup with
# bad pages does not count.
facts() {
  jq -er --arg stanza "$STANZA" --argjson repo "$1" '
    [.[] | select(.name == $stanza)] as $found
    | if ($found | length) != 1 then error("no stanza in the answer") else $found[0] end
    | ([.repo[]? | select(.key == $repo) | .status.code] | first) as $code
    | if [$code] | inside([0, 1, 2, 3]) | not then error("status \($code // "missing")") else . end
    | [.backup[]? | select(.error != true and .database["repo-key"] == $repo)] as $all
    | (("full", "diff", "incr") as $type
       | [$all[] | select(.type == $type)] as $these
       | ($these | max_by(.timestamp.stop)) as $last
       | "\($type) \($last.timestamp.stop // 0) \($last.info.repository.delta // 0) \($these | length)"),
      ([.archive[]? | select(.database["repo-key"] == $repo and .max != null)] | max_by(.database.id)
       | select(. != null) | "wal \(.id) \(.min) \(.max)")'
}

# newest_object REPOSITORY ARCHIVE_ID SEGMENT: time of the newest segment's object. Only the folder of the newest
# segments is listed, 256 of them at most.
newest_object() {
  ask "$1" repo-ls "archive/$STANZA/$2/${3:0:16}" |
    jq -er '[to_entries[] | select(.key | test("^[0-9A-F]{24}-[0-9a-f]{40}")) | .value.time] | max | numbers'
}

series() { printf 'restorable_repository_%s{stanza="%s",repo="%s"%s} %s\n' "$1" "$(label "$STANZA")" "$2" "$4" "$3"; }

# look REPOSITORY: all series of one repository that answers.
look() {
  local repository=$1 info found type at size count id min max newest
  info=$(ask "$repository" info) || return 1
  found=$(facts "$repository" <<<"$info") || return 1
  while read -r type at size count; do
    [ "$type" != wal ] || continue
    number "$at" && number "$size" && number "$count" || return 1
    series last_backup_timestamp_seconds "$repository" "$at" ",type=\"$type\""
    series last_backup_size_bytes "$repository" "$size" ",type=\"$type\""
    series backups "$repository" "$count" ",type=\"$type\""
  done <<<"$found"
  read -r _ id min max < <(grep '^wal ' <<<"$found") || id=''
  if [ -n "$id" ]; then
    [[ $min =~ ^[0-9A-F]{24}$ && $max =~ ^[0-9A-F]{24}$ ]] || return 1
    newest=$(newest_object "$repository" "$id" "$max") && number "$newest" || return 1
    series wal_info "$repository" 1 ",min=\"$min\",max=\"$max\""
    series wal_timeline "$repository" "$((16#${max:0:8}))" ''
    series newest_wal_timestamp_seconds "$repository" "$newest" ''
  else
    series newest_wal_timestamp_seconds "$repository" 0 ''
  fi
  series look_timestamp_seconds "$repository" "$(date +%s)" ''
}

# look_and_write REPOSITORY
look_and_write() {
  local repository=$1 file=$METRICS_DIRECTORY/restorable_repository_$1.prom reachable=1 found
  if ! found=$(look "$repository"); then
    echo "repository $repository of stanza $STANZA gave no usable answer: its series stay as they were" >&2
    reachable=0
    found=$(grep '^restorable_repository_' "$file" 2>/dev/null | grep -v '^restorable_repository_reachable{') || found=''
  fi
  {
    series reachable "$repository" "$reachable" ''
    [ -z "$found" ] || printf '%s\n' "$found"
  } | described | replace_file "$file"
}

# described <SERIES: sorted by name, each name once with its help.
described() {
  sort | awk '
    BEGIN {
      help["backups"] = "Backups of this type."
      help["last_backup_size_bytes"] = "Bytes that the newest backup of this type added to the repository."
      help["last_backup_timestamp_seconds"] = "End of the newest backup of this type; 0 when there is none."
      help["look_timestamp_seconds"] = "Last look at the repository that came to an answer."
      help["newest_wal_timestamp_seconds"] = "When the newest WAL segment was archived; 0 when there is none."
      help["reachable"] = "1 if the last look at the repository came to an answer."
      help["wal_info"] = "Oldest and newest WAL segment."
      help["wal_timeline"] = "Timeline of the newest WAL segment."
    }
    { name = $0; sub(/\{.*/, "", name); short = name; sub(/^restorable_repository_/, "", short) }
    name != last { printf "# HELP %s %s\n# TYPE %s gauge\n", name, help[short], name; last = name }
    { print }'
}

# dropped: how many WAL files pgBackRest threw away since this node was made, counted once each. The live logs
# only: a rotated one is a copy, whose lines would count twice.
dropped() {
  local file=$state/wal-dropped log total=0 id seen lines
  declare -A counted=()
  if [ -f "$file" ]; then
    while read -r id seen; do
      if [ "$id" = total ]; then total=$seen; else counted[$id]=$seen; fi
    done <"$file"
  fi
  number "$total" || total=0
  local -A now=()
  for log in "${ARCHIVE_LOGS:-/var/log/pgbackrest}/$STANZA"-archive-push*.log; do
    [ -r "$log" ] || continue
    id=$(stat -c %i "$log") || continue
    lines=$(grep -c -e 'dropped WAL' -e 'dropped due to queue' "$log") || lines=${lines:-0}
    seen=${counted[$id]:-0}
    # Fewer than before: rotated by copying and emptying it.
    [ "$lines" -ge "$seen" ] || seen=0
    total=$((total + lines - seen))
    now[$id]=$lines
  done
  {
    echo "total $total"
    for id in "${!now[@]}"; do echo "$id ${now[$id]}"; done
  } | replace_file "$file" || return 1
  echo "$total"
}

mkdir -p "$state"
jobs=()
for repository in $REPOSITORIES; do
  look_and_write "$repository" &
  jobs+=($!)
done
status=0
if lost=$(dropped); then
  head=$(head_of restorable_wal_dropped_total counter "WAL files that pgBackRest threw away: a hole in the archive.")
  lost=$head$'\n'"restorable_wal_dropped_total $lost"
else
  lost='' status=1
fi
{
  machine_series "${TIMERS:-}" "${CERTIFICATES:-}"
  [ -z "$lost" ] || printf '%s\n' "$lost"
} | replace_file "$METRICS_DIRECTORY/restorable_node.prom" || status=1
for job in "${jobs[@]}"; do wait "$job" || status=1; done
exit "$status"
