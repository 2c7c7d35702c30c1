# shellcheck shell=bash disable=SC2034,SC2154
# How a restore beside the formation ends, and how it speaks. ME is the script's name.

# $1 pass | fail | unverified | refused, $2 reason, $3 words for people.
verdict() {
  OUTCOME="$1" REASON="$2" MESSAGE="$3"
  case "$1" in pass) exit 0 ;; fail) exit 1 ;; refused) exit 3 ;; *) exit 2 ;; esac
}

# For `begin`: undoes what was half loaded or half written, and takes the container away.
conclude() {
  local rc=$?
  set +e
  trap '' TERM INT HUP
  [ "$OUTCOME" = pass ] || [ -z "$STEP" ] || step_end "$REASON: $MESSAGE" FAIL
  undo_load
  [ "$rc" = 0 ] || [ -z "$PARTIAL" ] || rm -f "$PARTIAL"
  clean_up
  [ -z "$KEPT" ] || say "kept as $KEPT for $KEEP_EXPIRY_HOURS h: incus --project $INCUS_PROJECT start $KEPT"
  if [ "$rc" != 0 ] || [ -n "$MESSAGE" ]; then say "$ME: ${MESSAGE:-ended with code $rc}"; fi
  exit "$rc"
}

# Progress to stderr: what goes to stdout is for others to read.
say() { printf '%s\n' "$*" >&2; }

# write_output COMMAND...: what it prints into OUTPUT, whole or not at all, for its owner only.
PARTIAL=""
write_output() {
  step_begin write
  PARTIAL="$OUTPUT.partial.$$"
  (umask 077 && "$@" >"$PARTIAL" 2>"$WORK/err") || verdict unverified push_failed "$OUTPUT: $(headline "$(cat "$WORK/err")")"
  mv -n "$PARTIAL" "$OUTPUT"
  PARTIAL=""
  step_end "$(stat -c %s "$OUTPUT") bytes"
}
