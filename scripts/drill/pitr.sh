# shellcheck shell=bash disable=SC2034
# To a moment: a random one of the retention window, and the heartbeat of that moment.

RANDOM_TARGET=""

# The oldest backup from which WAL is whole: $WORK/info, and the repository's settings. Where WAL is kept for fewer full
# backups than there are (count retention), it begins there. Prints the end of that backup.
window_begin() {
  local archive=""
  if ! grep -qE "^repo$REPO-retention-full-type *= *time" "$REPO_CONF"; then
    archive="$(sed -n "s/^repo$REPO-retention-archive *= *\([0-9]*\) *$/\1/p" "$REPO_CONF" | head -n 1)"
  fi
  jq -r --argjson repo "$REPO" --argjson kept "${archive:-0}" '
    [.[0].backup[] | select(.database."repo-key" == $repo)] as $all
    | ([$all[] | select(.type == "full") | .timestamp.stop] | sort | reverse) as $full
    | if $kept > 0 and ($full | length) >= $kept then $full[$kept - 1] else ([$all[].timestamp.stop] | min) end' "$WORK/info"
}

# Time of the newest WAL in the repository, from the inventory.
window_end() { grep -E '/[0-9A-F]{24}-[0-9a-f]+' "$WORK/before" | cut -f3 | sort -n | tail -n 1; }

# Sets TARGET. What is archived at a time was committed before it, and a target is reached only by a commit behind it.
choose_target() {
  local from to
  from=$(($(window_begin) + 1)) to=$(($(window_end || true) - TARGET_MARGIN_SECONDS))
  [ "$from" -le "$to" ] ||
    verdict unverified window_empty "no moment yet between the oldest backup ($(utc "$from")) and $TARGET_MARGIN_SECONDS s before the newest WAL ($(utc "$((to + TARGET_MARGIN_SECONDS))"))"
  TARGET_S="$(shuf -n 1 -i "$from-$to")"
  TARGET="$(utc "$TARGET_S")" RANDOM_TARGET=y
  step_end "$TARGET, of the window from $(utc "$from") to $(utc "$to")"
}

utc() { date -u -d "@$1" '+%F %T+00'; }

# $1 target, $2 newest heartbeat, $3 heartbeats after the target, $4 last commit replayed, $5 bound; seconds. Pure.
# Prints "pass -" or "<fail|unverified> <reason>".
classify_moment() {
  if [ "$3" -gt 0 ]; then
    echo "fail beyond_target"
  elif [ $(($1 - $2)) -le "$5" ]; then
    echo "pass -"
  # Nothing else was committed either: the formation was silent then, nothing can be missing or found.
  elif [ -n "$4" ] && [ $(($4 - $2)) -le "$5" ]; then
    echo "unverified heartbeat_gap"
  else
    echo "fail heartbeat_missing"
  fi
}

check_moment() {
  local answer newest later outcome reason
  answer="$(attended inside_sql "$DATABASE" "SELECT floor(extract(epoch FROM max(at)))::bigint || ' ' || count(*) FILTER (WHERE at > to_timestamp($TARGET_S)) FROM restorable.heartbeat" 2>/dev/null)" || answer=""
  read -r newest later <<<"$answer"
  if [ -z "$newest" ]; then
    later_verdict unverified no_heartbeat "no row in restorable.heartbeat of $DATABASE: nothing tells which moment this is"
    return 0
  fi
  RPO=$((TARGET_S - newest))
  [ "$RPO" -ge 0 ] || RPO=0
  read -r outcome reason <<<"$(classify_moment "$TARGET_S" "$newest" "$later" "$LAST_COMMIT" "$HEARTBEAT_BOUND_SECONDS")"
  case "$outcome" in
    pass) step_end "newest row $(utc "$newest"), $RPO s before the target, none after it" ;;
    fail) verdict fail "$reason" "target $TARGET: newest heartbeat $(utc "$newest"), $later rows after the target" ;;
    *) later_verdict unverified "$reason" "target $TARGET: newest heartbeat $(utc "$newest"), no later commit: the formation was silent" ;;
  esac
}
