# shellcheck shell=bash
# What WAL a repository lacks, and closing that. Sourced after archiving.sh and wal.sh; needs STANZA, PGDATA and SEGMENT_BYTES.
# All transfers are pgBackRest's own: archive-push from pg_wal, or archive-get from another repository before it.
: "${archiving:?archiving.sh is to be sourced first}"

# repository NUMBER COMMAND...: asks this one alone.
repository() {
  local number=$1
  shift
  timeout -k 5 60 pgbackrest --stanza="$STANZA" --repo="$number" --io-timeout=20 --log-level-console=off \
    --log-level-stderr=error --log-level-file=off "$@"
}

# push NUMBER FILE: into this repository; it does nothing where the file is already, with the same content.
push() {
  timeout -k 5 120 pgbackrest --config="$archiving/repo$1.conf" --stanza="$STANZA" --no-archive-async \
    --io-timeout=20 --log-level-console=off --log-level-stderr=error --log-level-file=off archive-push "$2"
}

# facts NUMBER: `ARCHIVE_ID`, then `BACKUP_TYPE FIRST_SEGMENT` for each backup, oldest first.
facts() {
  repository "$1" --output=json info | jq -er --argjson repo "$1" '
    .[0] | ([.db[] | select(."repo-key" == $repo)] | max_by(.id) | "\(.version)-\(.id)"),
    (.backup[]? | select(.database["repo-key"] == $repo and .error != true and .archive.start != null)
     | "\(.type) \(.archive.start)")'
}

# missing NUMBER ARCHIVE_ID TIMELINE FIRST LAST: names of segments that the repository does not have.
missing() {
  local number=$1 id=$2 timeline=$3 segment=$4 last=$5 name log="" there=""
  for ((; segment <= last; segment++)); do
    name=$(segment_name "$timeline" "$segment")
    if [[ ${name:0:16} != "$log" ]]; then
      log=${name:0:16}
      there=$(repository "$number" repo-ls "archive/$STANZA/$id/$log") || return 1
    fi
    # Whole segments only: the last one of a timeline is there as .partial, and whole on the next timeline.
    grep -q "^$name-[0-9a-f]" <<<"$there" || echo "$name"
  done
}

# fill NUMBER NAME...: brings these segments into the repository, several at once: from pg_wal, or from another one that
# has them. What can be had from nowhere stays missing; more than FILL_SEGMENTS are left to a backup, which is faster.
fill() {
  local number=$1 name others="" other running=0 scratch
  shift
  (($# > 0 && $# <= ${FILL_SEGMENTS:-512})) || return 0
  for other in $REPOSITORIES; do
    [[ $other == "$number" ]] || suspended "$other" || others+="$other "
  done
  scratch=$(mktemp -d)
  for name in "$@"; do
    if ((running >= 3)); then
      wait -n || true
      running=$((running - 1))
    fi
    fill_one "$number" "$name" "$others" "$scratch" &
    running=$((running + 1))
  done
  wait
  rm -rf "$scratch"
}

fill_one() {
  local number=$1 name=$2 other file=$PGDATA/pg_wal/$2
  if finished_segment "$file" && push "$number" "$file"; then return; fi
  file=$4/$name
  for other in $3; do
    if timeout -k 5 120 pgbackrest --config="$archiving/repo$other.conf" --stanza="$STANZA" --no-archive-async \
      --io-timeout=20 --log-level-console=off --log-level-stderr=error --log-level-file=off archive-get "$name" "$file" &&
      push "$number" "$file"; then
      echo "$name came to repository $number from repository $other"
      rm -f "$file"
      return
    fi
    rm -f "$file"
  done
}
