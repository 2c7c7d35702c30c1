# shellcheck shell=bash disable=SC2034
# Rows against what the source had when the backup was taken: scripts/node/row-counts.sh left its counts with the
# backup, as annotation `rows`.

COMPARED_TABLES="" COMPARED_ROWS=""

# $1 label of the restored backup; $WORK/info on stdin. Prints the newest counts up to that backup as
# {label, counts}; nothing when there are none. A backup made by hand has none: those before it still hold.
newest_counts() {
  jq -c --argjson repo "$REPO" --arg restored "$1" '
    [.[0].backup[] | select(.database."repo-key" == $repo)] | sort_by(.timestamp.stop)
    | (map(.label) | index($restored)) as $at
    | .[: (if $at == null then length else $at + 1 end)]
    | map({"label": .label, counts: (.annotation.rows // "" | try fromjson catch null)}) | map(select(.counts.rows | type == "object"))
    | last // empty'
}

# $1 tolerance in percent; counts on stdin. Lines of "database<TAB>table<TAB>rows<TAB>floor". An estimate may be off by
# itself: half of its floor.
floors_of() {
  jq -r --argjson tolerance "$1" '
    .counts
    | ((.rows // {}) | to_entries[] | .key as $db | .value | to_entries[] | [$db, .key, .value, (.value * (100 - $tolerance) / 100)]),
      ((.estimates // {}) | to_entries[] | .key as $db | .value | to_entries[] | [$db, .key, .value, (.value * (100 - $tolerance) / 200)])
    | [.[0], .[1], .[2], (.[3] | ceil)] | @tsv'
}

# Does "database.schema.table" match a pattern of ROWS_IGNORE?
ignored() {
  local pattern
  for pattern in "${IGNORED[@]}"; do
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ $1 != $pattern ]] || return 0
  done
  return 1
}

# $1 database; names of tables on stdin, as quoted identifiers. Lines "<rows><TAB><table>"; a table that is not there
# has none. A missing database gives nothing and exit 0.
count_rows() {
  local names
  names="$(jq -Rsc 'split("\n") | map(select(. != ""))' | sed "s/'/''/g")"
  attended inside_sql "$1" "SET search_path = '';
SELECT format('SELECT count(*) || chr(9) || %L FROM ONLY %s', name, to_regclass(name))
FROM json_array_elements_text('$names') AS name WHERE to_regclass(name) IS NOT NULL \\gexec" 2>"$WORK/err"
}

compare_rows() {
  local source label database table rows floor found lost=0 first="" ignored=0
  read -ra IGNORED <<<"$ROWS_IGNORE"
  wanted "$ROWS_COMPARE" ROWS_COMPARE || return 0
  source="$(newest_counts "$BACKUP_LABEL" <"$WORK/info")"
  if [ -z "$source" ]; then
    if [ -n "$TARGET" ]; then step_end "no row counts with $BACKUP_LABEL or before: not compared" "--"; return 0; fi
    later_verdict unverified no_row_counts "no backup up to $BACKUP_LABEL has row counts with it: take one with pgbackrest-backup.sh"
    return 0
  fi
  label="$(jq -r .label <<<"$source")"
  floors_of "$ROWS_TOLERANCE_PERCENT" <<<"$source" >"$WORK/floors"
  COMPARED_TABLES=0 COMPARED_ROWS=0
  while IFS= read -r database; do
    if ! awk -F'\t' -v d="$database" '$1 == d { print $2 }' "$WORK/floors" | count_rows "$database" >"$WORK/counted"; then
      grep -q 'does not exist' "$WORK/err" ||
        verdict fail rows_lost "rows of $database cannot be counted: $(headline "$(grep -E 'ERROR:|FATAL:' "$WORK/err" || cat "$WORK/err")")"
      : >"$WORK/counted"
    fi
    while IFS=$'\t' read -r _ table rows floor; do
      if ignored "$database.$table"; then ignored=$((ignored + 1)); continue; fi
      found="$(awk -F'\t' -v t="$table" '$2 == t { print $1; exit }' "$WORK/counted")"
      COMPARED_TABLES=$((COMPARED_TABLES + 1)) COMPARED_ROWS=$((COMPARED_ROWS + ${found:-0}))
      [ "${found:-0}" -lt "$floor" ] || continue
      lost=$((lost + 1))
      [ -n "$first" ] || first="$database: table $table $([ -n "$found" ] && echo "has $found rows" || echo "is gone"), it had $rows rows at backup $label, at least $floor are expected"
    done < <(awk -F'\t' -v d="$database" '$1 == d' "$WORK/floors")
  done < <(cut -f1 "$WORK/floors" | sort -u)
  [ "$lost" = 0 ] || verdict fail rows_lost "$first$([ "$lost" = 1 ] || echo "; and $((lost - 1)) more tables")"
  step_end "$COMPARED_ROWS rows in $COMPARED_TABLES tables, against those at $label$([ "$ignored" = 0 ] || echo "; $ignored ignored")"
}
