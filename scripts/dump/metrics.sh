# shellcheck shell=bash disable=SC2153,SC2154
# Figures of this dump. Needs textfile.sh, METRICS_FILE and what the run has set: RESULT, STARTED, NEWEST, COPIED.

NEWEST='' COPIED=''

# last_of NAME: the value that the last run left.
last_of() {
  [ -r "$METRICS_FILE" ] || return 0
  awk -v name="${METRICS_PREFIX}_dump_$1{" 'index($1, name) == 1 { print $NF; exit }' "$METRICS_FILE"
}

# One series; without a value none.
dump_series() {
  local name=${METRICS_PREFIX}_dump_$1
  [ -n "$3" ] || return 0
  head_of "$name" gauge "$2"
  printf '%s{kind="%s",host="%s"} %s\n' "$name" "$KIND" "$(label "$HOST")" "$3"
}

# A dump that is in its place counts even when pruning or the copy off site failed after it.
write_dump_metrics() {
  local success size duration copied failed=1
  success=$(last_of last_success_timestamp_seconds) size=$(last_of size_bytes) duration=$(last_of duration_seconds)
  copied=$(last_of upload_last_success_timestamp_seconds)
  if [ -n "$NEWEST" ]; then
    success=$STARTED size=$(stat -c %s "$NEWEST") duration=$(($(date +%s) - STARTED))
  fi
  [ -z "$COPIED" ] || copied=$STARTED
  [ "$RESULT" != good ] || failed=0
  {
    dump_series last_success_timestamp_seconds "Start of the newest dump that is whole; 0 when there is none." "${success:-0}"
    dump_series size_bytes "Size of the newest whole dump." "$size"
    dump_series duration_seconds "How long the newest whole dump took." "$duration"
    dump_series failed "1 if the last run failed." "$failed"
    [ -z "${EXPORTS_ROOT:-}" ] ||
      dump_series upload_last_success_timestamp_seconds "Start of the newest dump that is off site as well; 0 when there is none." "${copied:-0}"
  } | replace_file "$METRICS_FILE"
}
