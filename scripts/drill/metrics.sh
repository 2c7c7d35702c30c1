# shellcheck shell=bash
# The drill's series for node_exporter's textfile collector.
# A verdict (pass, fail) writes a new set; "unverified" keeps every value of the last verdict and only
# changes the outcome, so that the stale alert comes.

declare -A PREVIOUS=()

# $1 file with the last run's series: PREVIOUS[short name] = its whole sample lines.
metrics_load() {
  local line name
  PREVIOUS=()
  [ -f "$1" ] || return 0
  while IFS= read -r line; do
    case "$line" in "$METRICS_BASE"_*"{"*) ;; *) continue ;; esac
    name="${line%%\{*}"
    name="${name#"$METRICS_BASE"_}"
    PREVIOUS[$name]="${PREVIOUS[$name]:+${PREVIOUS[$name]}$'\n'}$line"
  done <"$1"
}

# Labels of every series.
metric_labels() { printf 'stanza="%s",repo="%s"' "$STANZA" "$REPO"; }

# $1 short name, $2 help text, $3 value ("" for none), $4 further labels, $5 "keep": without a value the
# line of the last verdict stands.
metric() {
  local name="${METRICS_BASE}_$1" line=""
  if [ "${5:-}" = keep ] && { [ "$OUTCOME" = unverified ] || [ -z "$3" ]; }; then
    line="${PREVIOUS[$1]:-}"
  elif [ -n "$3" ]; then
    line="$name{$(metric_labels)${4:-}} $3"
  fi
  [ -n "$line" ] || return 0
  printf '# HELP %s %s\n# TYPE %s gauge\n%s\n' "$name" "$2" "$name" "$line"
}

# What this run measured; when it came to no verdict, what the last one did.
measured() {
  local keep=""
  [ "$OUTCOME" != unverified ] || keep=keep
  metric "$1" "$2" "$3" "" "$keep"
}

# Seconds of each step of a run with a verdict: a series a step.
step_series() {
  local name="${METRICS_BASE}_step_duration_seconds" step lines=""
  if [ "$OUTCOME" = unverified ]; then lines="${PREVIOUS[step_duration_seconds]:-}"; else
    for step in "${STEPS[@]}"; do
      lines+="${lines:+$'\n'}$name{$(metric_labels),step=\"${step%%=*}\"} ${step#*=}"
    done
  fi
  [ -n "$lines" ] || return 0
  printf '# HELP %s Seconds of each step of the drill.\n# TYPE %s gauge\n%s\n' "$name" "$name" "$lines"
}

# When each database came back in a drill that passed, a series each; of the last pass alone, so that one that was dropped goes.
database_series() {
  local name="${METRICS_BASE}_database_last_success_timestamp_seconds" lines="${PREVIOUS[database_last_success_timestamp_seconds]:-}"
  [ "$OUTCOME" != pass ] || lines="$(sed -E "s/[\"\\\\]/\\\\&/g; s/.*/$name{$(metric_labels),database=\"&\"} $FINISHED_S/" "$WORK/databases")"
  [ -n "$lines" ] || return 0
  printf '# HELP %s End of the last drill that passed, by database that came back.\n# TYPE %s gauge\n%s\n' "$name" "$name" "$lines"
}

# One series for each outcome, 1 for the one that holds.
metric_outcome() {
  local name state value
  name="${METRICS_BASE}_outcome"
  printf '# HELP %s Outcome of the last drill: 1 for the one that holds.\n# TYPE %s gauge\n' "$name" "$name"
  for state in pass fail unverified; do
    value=0
    [ "$state" != "$OUTCOME" ] || value=1
    printf '%s{%s,outcome="%s"} %s\n' "$name" "$(metric_labels)" "$state" "$value"
  done
}

# Prints the file's content from the drill's globals.
metrics_render() {
  local success=0 success_at=""
  [ "$OUTCOME" != pass ] || { success=1; success_at=$FINISHED_S; }
  metric last_success "1 if the last drill with a verdict passed, 0 if it failed; reason says why." \
    "$success" ",reason=\"$REASON\"" keep
  metric last_run_timestamp_seconds "End of the last drill that came to a verdict." "$FINISHED_S" "" keep
  metric last_success_timestamp_seconds "End of the last drill that passed." "$success_at" "" keep
  measured duration_seconds "Wall clock of the whole drill." "$DURATION"
  measured restore_duration_seconds "Wall clock of restore and recovery until the copy takes writes (RTO)." \
    "$RESTORE_DURATION"
  measured rpo_seconds "Start of the drill (or its target time) minus the newest heartbeat restored (RPO)." "$RPO"
  measured smoke_rows "What the smoke query returned." "$ROWS"
  measured compared_tables "Tables compared with the row counts kept with the backup." "$COMPARED_TABLES"
  measured compared_rows "Rows in the tables compared." "$COMPARED_ROWS"
  measured checked_relations "Tables and indexes that pg_amcheck found well." "$CHECKED_RELATIONS"
  measured dumped_bytes "Bytes of the dump of all databases, which went nowhere." "$DUMPED_BYTES"
  measured checksum_blocks "Pages whose checksum was right." "$CHECKSUM_BLOCKS"
  measured unchanged_objects "Objects of the repository that are proven to be as before the drill." "$PROVED_OBJECTS"
  measured reader_refused "1 if the drill's key was refused to write and to delete; absent for a key that may." "$READER_REFUSED"
  [ -z "$TARGET_S" ] || measured target_timestamp_seconds "Moment that the drill restored to." "$TARGET_S"
  database_series
  step_series
  metric rto_bound_seconds "Bound that restore_duration_seconds is meant to hold." "$RTO_BOUND_SECONDS"
  metric last_attempt_timestamp_seconds "End of the last drill, whatever came of it." "$FINISHED_S"
  metric_outcome
  [ "$OUTCOME" != unverified ] || metric unverified_info "Why the last drill could not verify." 1 ",reason=\"$REASON\""
}

# $1 file; content on stdin. Temporary file in the same directory, so that the collector never reads half.
metrics_replace() {
  local file="$1" tmp
  tmp="$(mktemp "$file.XXXXXX")" || return 1
  if cat >"$tmp" && chmod 0644 "$tmp" && mv -f "$tmp" "$file"; then return 0; fi
  rm -f "$tmp"
  return 1
}

# Writes the run's file. Exit 1 if it could not be written.
metrics_write() {
  local pitr="" file
  [ -z "$TARGET" ] || pitr=_pitr
  METRICS_BASE="${METRICS_PREFIX}_backup_drill$pitr"
  file="$METRICS_DIR/${METRICS_BASE}_${STANZA}_repo$REPO.prom"
  mkdir -p "$METRICS_DIR" || return 1
  metrics_load "$file"
  metrics_render | metrics_replace "$file"
}

# $1 number of containers that --keep left behind.
metrics_write_kept() {
  local name="${METRICS_PREFIX}_backup_drill_kept_containers"
  mkdir -p "$METRICS_DIR" || return 1
  printf '# HELP %s Containers kept for a post-mortem.\n# TYPE %s gauge\n%s{stanza="%s"} %s\n' \
    "$name" "$name" "$name" "$STANZA" "$1" | metrics_replace "$METRICS_DIR/$name.prom"
}
