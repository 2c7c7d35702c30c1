# shellcheck shell=bash
# Progress for people (one line a step with its duration) and the JSON summary.

STEP="" STEP_BEGAN=0 STEPS=()

# Sets NOW: milliseconds since the epoch.
now_ms() {
  local t="${EPOCHREALTIME/[.,]/}"
  NOW=$((t / 1000))
}

# $1 milliseconds -> seconds with one decimal, as Prometheus and people read it.
seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# With --json stdout belongs to the summary.
say() {
  if [ "${JSON:-n}" = y ]; then printf '%s\n' "$*" >&2; else printf '%s\n' "$*"; fi
}

step_begin() {
  STEP="$1"
  now_ms
  STEP_BEGAN=$NOW
}

# $1 what came out, in words. $2 mark: ok (default), FAIL, ??
step_end() {
  [ -n "$STEP" ] || return 0
  now_ms
  local took=$((NOW - STEP_BEGAN))
  STEPS+=("$STEP=$(seconds "$took")")
  say "$(printf '%-4s %-10s %7s s  %s' "${2:-ok}" "$STEP" "$(seconds "$took")" "$1")"
  STEP=""
}

# Prints one JSON object on one line, from the drill's globals.
json_summary() {
  jq -nc --arg stanza "$STANZA" --argjson repo "$REPO" --arg outcome "$OUTCOME" --arg reason "$REASON" \
    --arg message "$MESSAGE" --argjson exitCode "$1" --argjson startedAt "$STARTED_S" \
    --arg duration "$DURATION" --arg restore "$RESTORE_DURATION" --arg rpo "$RPO" --arg rows "$ROWS" \
    --arg backup "$BACKUP_LABEL" --arg bytes "$BACKUP_BYTES" --arg lsn "$END_LSN" --arg target "$TARGET" \
    --arg kept "$KEPT" --arg tables "$COMPARED_TABLES" --arg compared "$COMPARED_ROWS" \
    --arg relations "$CHECKED_RELATIONS" --arg dumped "$DUMPED_BYTES" --arg blocks "$CHECKSUM_BLOCKS" \
    --arg unchanged "$PROVED_OBJECTS" --arg refused "$READER_REFUSED" '
    def n: if . == "" then null else tonumber end;
    def s: if . == "" then null else . end;
    {stanza: $stanza, repo: $repo, outcome: $outcome, reason: $reason, message: ($message | s),
     exitCode: $exitCode, startedAt: $startedAt, durationSeconds: ($duration | n),
     restoreDurationSeconds: ($restore | n), rpoSeconds: ($rpo | n), smokeRows: ($rows | n),
     backup: ($backup | s), backupBytes: ($bytes | n), restoredLsn: ($lsn | s), targetTime: ($target | s),
     keptContainer: ($kept | s), comparedTables: ($tables | n), comparedRows: ($compared | n),
     checkedRelations: ($relations | n), dumpedBytes: ($dumped | n), checksumBlocks: ($blocks | n),
     unchangedObjects: ($unchanged | n), readerRefused: ($refused == "1"),
     steps: [$ARGS.positional[] | split("=") | {name: .[0], seconds: (.[1] | tonumber)}]}' \
    --args "${STEPS[@]}"
}
