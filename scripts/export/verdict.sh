# shellcheck shell=bash disable=SC2034,SC2153,SC2154
# The drill of one export, and its series. Within a process of its own: see export-drill.sh.

metric_labels() { printf 'database="%s"' "$LABEL"; }

# $1 database. Writes its file; exit 1 if that cannot be done.
export_metrics_write() {
  local file
  file="$METRICS_DIR/${METRICS_PREFIX}_export_drill_$(folder_of "$1").prom"
  METRICS_BASE="${METRICS_PREFIX}_export_drill"
  LABEL="${1//\\/\\\\}"
  LABEL="${LABEL//\"/\\\"}"
  mkdir -p "$METRICS_DIR" || return 1
  metrics_load "$file"
  export_metrics_render | metrics_replace "$file"
}

export_metrics_render() {
  local success=0 success_at=""
  [ "$OUTCOME" != pass ] || { success=1; success_at=$FINISHED_S; }
  metric last_success "1 if the last drill with a verdict passed, 0 if it failed; reason says why." \
    "$success" ",reason=\"$REASON\"" keep
  metric last_run_timestamp_seconds "End of the last drill that came to a verdict." "$FINISHED_S" "" keep
  metric last_success_timestamp_seconds "End of the last drill that passed." "$success_at" "" keep
  measured duration_seconds "Wall clock of this database's part." "$DURATION"
  measured restore_duration_seconds "Wall clock of fetching, decrypting and restoring it." "$RESTORE_DURATION"
  measured export_timestamp_seconds "When the drilled export was made." "$EXPORT_S"
  measured export_size_bytes "Size of the drilled export." "$EXPORT_BYTES"
  measured tables "Tables whose rows were compared." "$TABLES"
  measured rows "Rows in them, equal to what was dumped." "$ROWS"
  metric last_attempt_timestamp_seconds "End of the last drill, whatever came of it." "$FINISHED_S"
  metric_outcome
  [ "$OUTCOME" != unverified ] || metric unverified_info "Why the last drill could not verify." 1 ",reason=\"$REASON\""
}

# Fetches the newest complete export of $DRILLED. Sets STAMP, EXPORT_S, EXPORT_BYTES.
newest_of_drilled() {
  local folder found
  folder="$(folder_of "$DRILLED")"
  found="$(newest_export "$folder")"
  [ -n "$found" ] || verdict fail no_export "the bucket holds no complete export of $DRILLED"
  read -r STAMP EXPORT_BYTES <<<"$found"
  EXPORT_S="$(stamp_seconds "$STAMP")"
  check_export_disk "$EXPORT_BYTES"
  fetch_export "$folder" "$STAMP"
}

# $1 bytes that come.
check_export_disk() {
  local free need=$(($1 * 3 + DISK_RESERVE_BYTES))
  free="$(in_export free </dev/null)" || free=""
  [ -n "$free" ] || verdict unverified disk_unknown "the free space of $CONTAINER cannot be read"
  [ "$free" -ge "$need" ] ||
    verdict unverified disk_too_small "$((free / 1048576)) MiB free, $((need / 1048576)) MiB needed for $DRILLED"
}

drill_globals() {
  newest_of_drilled
  if ! attended in_export roles 2>"$WORK/err" </dev/null; then
    verdict fail restore_failed "$(headline "$(grep -E 'ERROR:|FATAL:' "$WORK/err" || cat "$WORK/err")")"
  fi
  ROWS="$(in_export query postgres <<<"SELECT count(*) FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'")" || ROWS=""
  local exported
  exported="$(in_export counted </dev/null | sed -n 's/^roles\t//p')"
  # The container's own superuser is one of the formation's as well.
  [ "$ROWS" = "$exported" ] || verdict fail rows_differ "$exported roles were exported, ${ROWS:-none} are there"
  TABLES=""
  verdict pass none "$ROWS roles of $STAMP"
}

drill_database() {
  local began exported now table total=0 tables=0 rows
  now_ms
  began=$NOW
  newest_of_drilled
  check_export_disk "$DUMPED_BYTES"
  if ! attended in_export restore "$DRILLED" 2>"$WORK/err" </dev/null; then
    case "$(cat "$WORK/err")" in
      *"o space left on device"*) verdict unverified disk_too_small "$DRILLED does not fit into $CONTAINER" ;;
    esac
    verdict fail restore_failed "$(headline "$(grep -iE 'error:|FATAL:' "$WORK/err" || cat "$WORK/err")")"
  fi
  now_ms
  RESTORE_DURATION="$(seconds $((NOW - began)))"
  attended in_export counts "$DRILLED" >"$WORK/counts" 2>"$WORK/err" </dev/null ||
    verdict unverified check_failed "$(headline "$(cat "$WORK/err")")"
  while read -r exported now table; do
    [ "$now" != missing ] || verdict fail missing_table "$table is not there, $exported rows were exported"
    [ "$exported" = "$now" ] || verdict fail rows_differ "$table: $exported rows were exported, $now are there"
    total=$((total + now)) tables=$((tables + 1))
  done <"$WORK/counts"
  ROWS=$total TABLES=$tables
  if [ "$DRILLED" = "$DATABASE" ] && [ -n "$SMOKE_QUERY" ]; then
    rows="$(in_export query "$DRILLED" <<<"$SMOKE_QUERY;" 2>"$WORK/err" | tr -d '[:space:]')" || rows=""
    [[ "$rows" =~ ^[0-9]{1,18}$ ]] || verdict fail smoke_failed "$(headline "$(grep -E 'ERROR:|FATAL:' "$WORK/err" || echo 'the smoke query does not return one whole number')")"
    [ "$rows" -ge "$MIN_USERS_EXPECTED" ] || verdict fail below_floor "$rows rows, at least $MIN_USERS_EXPECTED expected"
  fi
  in_export drop "$DRILLED" </dev/null >/dev/null 2>&1 || true
  verdict pass none "$tables tables, $total rows of $STAMP, as they were dumped"
}
