# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# A dump takes its place, and old ones go.

# much_less SIZE BEFORE
much_less() { awk -v size="$1" -v before="$2" -v ratio="$MINIMUM_RATIO" 'BEGIN { exit !(size < ratio * before) }'; }

# large_enough FILE: not much smaller than the last one, unless that is meant.
large_enough() {
  local last size before
  last=$(dumps_in "$FOLDER" | tail -n 1)
  [ -n "$last" ] || return 0
  # Bytes tell little where most of a dump is the same on every host.
  if declare -F records >/dev/null && [ "$ALLOW_SMALLER" = n ]; then
    size=$(records <"$1") || return 1
    before=$(records <"$FOLDER/$last" 2>/dev/null) || before=0
    if much_less "$size" "$before"; then
      echo "$size $RECORDS, $before in $last: refused. If that is right: $0 --allow-smaller" >&2
      return 1
    fi
  fi
  size=$(stat -c %s "$1") before=$(stat -c %s "$FOLDER/$last")
  if much_less "$size" "$before"; then
    if [ "$ALLOW_SMALLER" = y ]; then
      echo "$size bytes, $before in $last: taken, as told"
      return 0
    fi
    echo "$size bytes are less than $MINIMUM_RATIO of the $before of $last: refused. If that is right: $0 --allow-smaller" >&2
    return 1
  fi
}

COPY_FAILED=n
# keep FILE: under its own name, on the disk, and its copy where there is to be one. Sets NEWEST, and COPY_FAILED where only the
# copy beside the scripts could not be made: the dump itself is good.
keep() {
  local name copy
  name=$(name_of "$TODAY")
  chmod 0600 "$1"
  sync "$1" || return 1
  mv -f "$1" "$FOLDER/$name" || return 1
  sync "$FOLDER" || return 1
  NEWEST=$FOLDER/$name
  [ -n "${COPY_DIRECTORY:-}" ] || return 0
  copy=$COPY_DIRECTORY/.$name.partial
  if mkdir -p "$COPY_DIRECTORY" && cp "$NEWEST" "$copy" && cmp -s "$NEWEST" "$copy" && sync "$copy" &&
    mv -f "$copy" "$COPY_DIRECTORY/$name"; then
    return 0
  fi
  rm -f "$copy"
  echo "$NEWEST is good, but could not be copied to $COPY_DIRECTORY" >&2
  COPY_FAILED=y
}

# prune: after a good dump only, and never that one.
prune() {
  local before folder name
  before=$(date -d "-$KEEP_DAYS days" +%Y%m%d)
  for folder in "$FOLDER" ${COPY_DIRECTORY:+"$COPY_DIRECTORY"}; do
    while IFS= read -r name; do
      if [ "$name" = "${NEWEST##*/}" ] || [[ ! ${name:7:8} < $before ]]; then continue; fi
      rm -f "$folder/$name" || return 1
      echo "$folder/$name removed: older than $KEEP_DAYS days"
    done < <(dumps_in "$folder")
  done
}
