# shellcheck shell=bash disable=SC2034
# From "is there a backup?" to rows counted in the restored copy.

BACKUP_LABEL="" BACKUP_BYTES="" ARCHIVE_NEWEST="" END_LSN="" RESTORE_DURATION="" RPO="" ROWS=""
COPY_TIMELINE="" LAST_COMMIT=""

# The repository, asked from the container: never through the formation.
check_repository() {
  local text code message outcome reason versions oldest
  attended inside info "$CHECK_IO_TIMEOUT_SECONDS" >"$WORK/raw" 2>"$WORK/err" || true
  # A wrong passphrase puts the bytes of a badly decrypted file into the message: no valid JSON.
  LC_ALL=C tr -cd '[:print:]\n' <"$WORK/raw" >"$WORK/info"
  # An entry per stanza; with one stanza asked for there is exactly one.
  if ! code="$(jq -er --argjson n "$REPO" '.[0].repo[] | select(.key == $n) | .status.code' "$WORK/info" 2>/dev/null)"; then
    text="$(cat "$WORK/info" "$WORK/err")"
    read -r outcome reason <<<"$(classify_pgbackrest info "$text")"
    verdict "$outcome" "$reason" "repo$REPO: $(headline "$text")"
  fi
  message="$(jq -r --argjson n "$REPO" '.[0].repo[] | select(.key == $n) | .status.message' "$WORK/info")"
  case "$code" in
    0 | 4 | 5) ;;
    1 | 2 | 3 | 6) verdict fail no_backup "repo$REPO answers, but: $message" ;;
    *)
      read -r outcome reason <<<"$(classify_pgbackrest info "$message")"
      verdict "$outcome" "$reason" "repo$REPO: $(headline "$message")"
      ;;
  esac
  read_backup
  [ -n "$BACKUP_LABEL" ] || verdict fail no_backup "repo$REPO holds no backup of stanza $STANZA"
  versions="$(jq -r '.[0].db | max_by(.id) | .version' "$WORK/info")"
  [ "${versions%%.*}" = "$PG_MAJOR" ] ||
    verdict unverified config_invalid "the backup is of Postgres $versions, the drill is set to $PG_MAJOR"
  [ -n "$ARCHIVE_NEWEST" ] || verdict fail wal_missing "repo$REPO holds no archived WAL for $BACKUP_LABEL"
  if [ -n "$TARGET" ] && [ "$TARGET" != random ]; then
    oldest="$(jq -r --argjson n "$REPO" '[.[0].backup[] | select(.database."repo-key" == $n) | .timestamp.stop] | min' "$WORK/info")"
    [ "$oldest" -le "$TARGET_S" ] ||
      verdict fail target_not_reached "the oldest backup ($(date -u -d "@$oldest" '+%F %T+00')) is newer than $TARGET"
  fi
  step_end "newest backup $BACKUP_LABEL, $((BACKUP_BYTES / 1048576)) MiB; WAL up to $ARCHIVE_NEWEST"
}

# Newest backup, its size, and the newest archived segment of the current database.
read_backup() {
  local line
  line="$(jq -r --argjson n "$REPO" '.[0]
    | ([.backup[] | select(.database."repo-key" == $n)] | max_by(.timestamp.stop)) as $b
    | ([.db[] | select(."repo-key" == $n) | .id] | max) as $db
    | ([.archive[] | select(.database."repo-key" == $n and .database.id == $db) | .max | select(. != null) | .[0:24]] | max) as $w
    | [$b.label // "", $b.info.size // "", $w // ""] | join("|")' "$WORK/info")"
  IFS='|' read -r BACKUP_LABEL BACKUP_BYTES ARCHIVE_NEWEST <<<"$line"
}

# A quarter more than the backup, and a reserve for the WAL to be replayed.
check_disk() {
  local free need
  free="$(ic exec "$CONTAINER" -- df --output=avail -B1 "$PG_PATH" | tail -n 1 | tr -d ' ')" || free=""
  need=$((BACKUP_BYTES + BACKUP_BYTES / 4 + DISK_RESERVE_BYTES))
  [ -n "$free" ] || verdict unverified disk_unknown "the free space of $CONTAINER cannot be read"
  [ "$free" -ge "$need" ] ||
    verdict unverified disk_too_small "$((free / 1048576)) MiB free, $((need / 1048576)) MiB needed for $BACKUP_LABEL"
  step_end "$((free / 1048576)) MiB free, $((need / 1048576)) MiB needed"
}

restore_backup() {
  local text outcome reason label
  RESTORING=y
  now_ms
  RESTORE_BEGAN=$NOW
  if ! attended inside restore "$TARGET" >"$WORK/restore" 2>&1; then
    text="$(sed -n '/ WARN: \| ERROR: /,$p' "$WORK/restore")"
    read -r outcome reason <<<"$(classify_pgbackrest restore "$text")"
    verdict "$outcome" "$reason" "$(headline "$(grep -F ' ERROR: ' "$WORK/restore" || cat "$WORK/restore")")"
  fi
  # To a moment it is not always the newest one.
  label="$(sed -n 's/.*restore backup set \([0-9F_DI-]*\).*/\1/p' "$WORK/restore" | head -n 1)"
  BACKUP_LABEL="${label:-$BACKUP_LABEL}"
  step_end "$BACKUP_LABEL: $(sed -n 's/.*INFO: \(restore size = .*\)/\1/p' "$WORK/restore")"
}

# $1 what happened. Judges by the log of the copy's server.
recovery_failed() {
  local log outcome reason
  log="$(inside log 2>/dev/null || true)"
  read -r outcome reason <<<"$(classify_recovery "$log" "$([ -z "$TARGET" ] || echo y)")"
  if [ "$reason" = target_not_reached ] && [ -n "$(last_restored "$log")" ] && [[ "$(last_restored "$log")" < "$ARCHIVE_NEWEST" ]]; then
    reason=wal_missing
  fi
  verdict "$outcome" "$reason" "$1: $(headline "$(grep -F FATAL: <<<"$log" | head -n 1 || tail -n 1 <<<"$log")")"
}

# Newest segment that recovery got from the repository, by the server's log.
last_restored() { sed -n 's/.*restored log file "\([0-9A-F]\{24\}\)" from archive.*/\1/p' <<<"$1" | sort | tail -n 1; }

# Starts the copy and waits until it takes writes. COPY_HISTORY: how its timelines came about.
recover() {
  local facts tli
  attended inside start "$TIME_LIMIT_SECONDS" 2>"$WORK/err" || recovery_failed "the copy does not start"
  attended inside wait || recovery_failed "recovery ended in a crash"
  now_ms
  RESTORE_DURATION="$(seconds $((NOW - RESTORE_BEGAN)))"
  facts="$(inside facts 2>"$WORK/err")" || verdict fail recovery_failed "$(headline "$(cat "$WORK/err")")"
  read -r END_LSN SEGMENT_BYTES tli LAST_COMMIT <<<"${facts%%$'\n'*}"
  COPY_TIMELINE="$tli"
  COPY_HISTORY="${facts#*$'\n'}"
  step_end "recovered to $END_LSN, now on timeline $((16#$tli)); restore and recovery $RESTORE_DURATION s"
}

# Whether the copy has all that was archived.
reach_end() {
  step_begin wal
  if [ -n "$TARGET" ]; then
    step_end "stopped at the target $TARGET"
  elif end_reaches "$ARCHIVE_NEWEST" "$END_LSN" "$COPY_HISTORY" "$SEGMENT_BYTES"; then
    step_end "reaches the newest archived segment $ARCHIVE_NEWEST"
  else
    explain_gap "$(history_parent "$COPY_HISTORY")"
  fi
}

# Recovery stopped before the newest archived segment. restore_command's errors look like "no more WAL" to
# Postgres, so the repository is asked again: a hole is a failure, an outage in between is not.
explain_gap() {
  local tli number name first rc found outcome reason log
  number=$(($(lsn_bytes "$END_LSN") / SEGMENT_BYTES))
  for number in "$number" $((number + 1)); do
    found=n first=""
    for ((tli = $1; tli >= 1; tli--)); do
      name="$(segment_name "$tli" "$number" "$SEGMENT_BYTES")"
      [ -n "$first" ] || first="$name"
      rc=0
      attended inside segment "$name" >"$WORK/segment" 2>&1 || rc=$?
      if [ "$rc" = 0 ]; then found=y; break; fi
      [ "$rc" = 1 ] && continue
      read -r outcome reason <<<"$(classify_pgbackrest wal "$(cat "$WORK/segment")")"
      verdict "$outcome" "$reason" "segment $name: $(headline "$(cat "$WORK/segment")")"
    done
    [ "$found" = y ] ||
      verdict fail wal_missing "recovery ended at $END_LSN: segment $first is missing, the archive goes on to $ARCHIVE_NEWEST"
  done
  log="$(inside log 2>/dev/null || true)"
  if [ "$(classify_recovery "$log")" = "unverified store_unreachable" ]; then
    verdict unverified store_unreachable "recovery ended at $END_LSN: the store could not be reached in the middle of it"
  fi
  verdict fail corrupted_backup "recovery ended at $END_LSN before $ARCHIVE_NEWEST, though the next segments are there: their content is damaged"
}

# Seconds of data that a loss at the drill's start would have cost; of a moment, whether it is that moment.
measure_rpo() {
  local at
  step_begin heartbeat
  if [ -n "$TARGET" ]; then check_moment; return 0; fi
  if at="$(attended inside_sql "$DATABASE" 'SELECT floor(extract(epoch FROM max(at)))::bigint FROM restorable.heartbeat' 2>/dev/null)" && [ -n "$at" ]; then
    RPO=$((STARTED_S - at))
    [ "$RPO" -ge 0 ] || RPO=0
    step_end "newest row $(date -u -d "@$at" '+%F %T+00'): RPO $RPO s"
  else
    step_end "no row in restorable.heartbeat of $DATABASE: RPO not measured" "--"
  fi
}

# Names of the databases that came back, for the metrics: the coverage ledger goes by them.
restored_databases() {
  attended inside_sql postgres "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname !~ '[[:cntrl:]]'" \
    >"$WORK/databases" 2>"$WORK/err" ||
    verdict unverified check_failed "the copy does not list its databases: $(headline "$(cat "$WORK/err")")"
}

smoke() {
  local outcome reason floor="$MIN_USERS_EXPECTED"
  if ! attended inside_sql "$DATABASE" "$SMOKE_QUERY;" >"$WORK/rows" 2>"$WORK/err"; then
    read -r outcome reason <<<"$(classify_smoke "$(cat "$WORK/err")")"
    verdict "$outcome" "$reason" "$(headline "$(grep -E 'ERROR:|FATAL:' "$WORK/err" || cat "$WORK/err")")"
  fi
  ROWS="$(tr -d '[:space:]' <"$WORK/rows")"
  if ! [[ "$ROWS" =~ ^[0-9]{1,18}$ ]]; then
    ROWS=""
    verdict fail smoke_failed "the smoke query does not return one whole number"
  fi
  # The floor is of today: a moment of weeks ago may rightly have had fewer.
  [ -z "$RANDOM_TARGET" ] || floor=0
  if [ "$ROWS" -lt "$floor" ]; then
    [ "$ROWS" -gt 0 ] || verdict fail empty_table "0 rows, at least $floor expected"
    verdict fail below_floor "$ROWS rows, at least $floor expected"
  fi
  restored_databases
  step_end "$ROWS rows, at least $floor expected"
  # What is over the time limit from here on is the closer look: the backup has come back.
  RESTORING=n
}
