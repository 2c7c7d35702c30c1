# shellcheck shell=bash disable=SC2034
# Beyond rows that can be counted: every index and every page of the copy, and a dump that reads every row.

CHECKED_RELATIONS="" DUMPED_BYTES="" CHECKSUM_BLOCKS=""

# $1 tool (amcheck | dump | checksums), $2 its words -> "<fail|unverified> <reason>". Pure.
classify_depth() {
  case "$1:$2" in
    *"No space left on device"*) echo "unverified disk_too_small" ;;
    amcheck:*'extension "amcheck" is not available'* | amcheck:*"could not open extension control file"*)
      echo "unverified amcheck_missing" ;;
    amcheck:*) echo "fail corrupted_relation" ;;
    dump:*) echo "fail dump_failed" ;;
    checksums:*"checksums are not enabled"*) echo "unverified checksums_off" ;;
    checksums:*) echo "fail checksum_failed" ;;
  esac
}

# $1 tool, $2 file with its words, $3 line to report, $4 what to do about a check that cannot be done.
depth_failed() {
  local outcome reason
  read -r outcome reason <<<"$(classify_depth "$1" "$(cat "$2")")"
  [ "$outcome" = unverified ] || verdict "$outcome" "$reason" "$3"
  later_verdict "$outcome" "$reason" "$3; $4"
}

# $1 setting, $2 its name: whether it is on; says so when it is not.
wanted() {
  [ "$1" != 1 ] || return 0
  step_end "switched off ($2)" "--"
  return 1
}

check_relations() {
  local words="$WORK/amcheck" progress
  wanted "$DEPTH_AMCHECK" DEPTH_AMCHECK || return 0
  if ! attended inside amcheck "$CPU" >"$words" 2>"$WORK/progress"; then
    # What is not well is on stdout, what could not be done on stderr, between lines of progress.
    tr '\r' '\n' <"$WORK/progress" | grep -E 'pg_amcheck: |ERROR|FATAL|DETAIL' >>"$words" || true
    depth_failed amcheck "$words" "$(first_lines "$words")" "DEPTH_AMCHECK=0 leaves it out"
    return 0
  fi
  # "12/12 relations (100%), 34/34 pages (100%)"
  progress="$(tr '\r' '\n' <"$WORK/progress" | grep -oE '[0-9]+/[0-9]+ relations \(100%\)' | tail -n 1)" || progress=""
  CHECKED_RELATIONS="${progress%%/*}"
  step_end "${CHECKED_RELATIONS:-all} relations well, indexes against their tables"
}

dump_everything() {
  wanted "$DEPTH_DUMP" DEPTH_DUMP || return 0
  if ! attended inside dump >"$WORK/dumped" 2>"$WORK/err"; then
    depth_failed dump "$WORK/err" "$(first_lines "$WORK/err")" "DEPTH_DUMP=0 leaves it out"
    return 0
  fi
  DUMPED_BYTES="$(tr -d '[:space:]' <"$WORK/dumped")"
  step_end "$DUMPED_BYTES bytes of all databases and roles"
}

# The server has to stop for it: last of all that looks at the data.
check_checksums() {
  local words="$WORK/checksums"
  wanted "$DEPTH_CHECKSUMS" DEPTH_CHECKSUMS || return 0
  if ! attended inside stop "$TIME_LIMIT_SECONDS" >"$words" 2>&1; then
    later_verdict unverified check_failed "the copy does not stop: $(headline "$(cat "$words")")"
    return 0
  fi
  if ! attended inside checksums >"$words" 2>&1; then
    depth_failed checksums "$words" "$(first_lines "$words")" \
      "drill.depth.checksums: false (DEPTH_CHECKSUMS=0) leaves it out, pg_checksums --enable switches them on"
    return 0
  fi
  CHECKSUM_BLOCKS="$(sed -n 's/^Blocks scanned: *\([0-9]*\)$/\1/p' "$words")"
  step_end "$CHECKSUM_BLOCKS pages"
}

# The first words of a file that tell of an error, on one line.
first_lines() {
  LC_ALL=C tr -cd '[:print:]\n' <"$1" | grep -vE '^[[:space:]]*$' | sed 's/^[[:space:]]*//' | head -n 3 | paste -sd' ' - | cut -c1-300
}
