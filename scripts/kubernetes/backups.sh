# shellcheck shell=bash disable=SC2034,SC2154
# The jobs that look at what is in the bucket: which backups there should be, one part for each, three outcomes. After
# pod.sh and export/store.sh; needs $etc, $METRIC (of the series' names), $work.

RCLONE_FILE='' STORE_CA='' WORST=0 CURRENT='' ONLY=${ONLY:-} NEWEST=''
NAME='' NAMESPACE='' SOURCE='' DATABASE='' MAJOR='' FLOOR_QUERY='' FLOOR_MINIMUM=0

bucket_settings() {
  RCLONE_FILE=$etc/store/rclone.conf
  [ ! -s "$etc/public/store-ca.crt" ] || STORE_CA=$etc/public/store-ca.crt
  for file in "$RCLONE_FILE" "$etc/public/backups.json"; do
    [ -r "$file" ] || { echo "cannot read $file" >&2; exit 2; }
  done
}

# field NAME: of the current entry.
field() { jq -r --arg name "$1" '.[$name] // "" | tostring' <<<"$CURRENT"; }

# load ENTRY
load() {
  CURRENT=$1
  NAME=$(field name) NAMESPACE=$(field namespace) SOURCE=$(field source) DATABASE=$(field database)
  MAJOR=$(field major) FLOOR_QUERY=$(field query) FLOOR_MINIMUM=$(field minimum)
}

# verdict OUTCOME REASON TEXT: ends the part, and says so where its series are made: into the room that was kept for it,
# for the verdict may be that there is no other.
verdict() {
  printf '%s %s ' "$1" "$2" 1<>"$work/verdict"
  printf '%-10s %-20s %s\n' "$(tr '[:lower:]' '[:upper:]' <<<"$1")" "$NAME" "$([ "$1" = pass ] || echo "$2: ")$3"
  [ "$1" != pass ] || exit 0
  [ "$1" != fail ] || exit 1
  exit 2
}

# Sets OUTCOME, REASON of the part that just ended, with 2 for one that broke off without a word.
read_verdict() {
  local outcome='' reason=''
  OUTCOME=unverified REASON=${1:-internal_error}
  read -r outcome reason _ <"$work/verdict" || true
  if [ -n "$reason" ]; then OUTCOME=$outcome REASON=$reason; fi
  case $OUTCOME in
    fail) WORST=1 ;;
    unverified) [ "$WORST" = 1 ] || WORST=2 ;;
  esac
}

# parts KEY COMMAND REPORT: COMMAND for each entry of KEY, in a process of its own; REPORT pushes its series.
parts() {
  local entry command=$2 report=$3
  while IFS= read -r entry <&4; do
    load "$entry"
    if [ -n "$ONLY" ] && [ "$ONLY" != "$NAME" ]; then continue; fi
    FOUND=y PENDING=y BEGAN=$(date +%s)
    rm -rf "${work:?}"/*
    printf '%80s\n' '' >"$work/verdict"
    attended "$command"
    PENDING=''
    read_verdict
    # A verdict that nobody hears of is none.
    "$report" || [ "$WORST" != 0 ] || WORST=2
  done 4< <(jq -c ".$1[]" "$etc/public/backups.json")
}

# The end, whatever brought it: the part that was under way came to nothing.
conclude() {
  trap '' TERM INT
  set +e
  if [ -n "${PENDING:-}" ]; then
    : >"$work/verdict"
    read_verdict interrupted
    printf '%-10s %-20s %s\n' UNVERIFIED "$NAME" "interrupted: ended from outside"
    "${REPORT:-true}"
  fi
  rm -rf "$work"
  exit "$WORST"
}

# newest_of NAME: sets NEWEST to its newest complete dump, `STAMP BYTES`; ends the part when there is none, or when the
# store does not say.
newest_of() {
  local found outcome reason
  found=$(all_exports "$1" 2>"$work/said") || {
    read -r outcome reason <<<"$(store_outcome "$(cat "$work/said")")"
    verdict "$outcome" "$reason" "$(said "$work/said")"
  }
  NEWEST=$(awk '$4 == "complete" { newest = $2 " " $3 } END { if (newest != "") print newest }' <<<"$found")
  [ -n "$NEWEST" ] || verdict fail no_backup "no complete dump in $EXPORTS_ROOT/$1"
}
