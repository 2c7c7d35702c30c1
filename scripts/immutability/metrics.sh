# shellcheck shell=bash disable=SC2153 # LACKS and lacks are two things
# The probe's series. A verdict (proven, failed) writes a new set; "could not verify" keeps the last verdict and its
# time, and only changes the outcome, so that the stale alert comes.

METRIC=restorable_immutability_probe

# last NAME: the line of the last verdict.
last() { grep "^${METRIC}_$1{" "$METRICS_FILE" 2>/dev/null || true; }

# line NAME VALUE [LABELS]
line() { printf '%s_%s{stanza="%s",repo="%s"%s} %s\n' "$METRIC" "$1" "$STANZA" "$REPO" "${3:-}" "$2"; }

metrics_render() {
  local success="" time="" lacks="" state what
  if [ "$OUTCOME" = unverified ]; then
    success="$(last success)" time="$(last timestamp_seconds)" lacks="$(last lacks)"
  else
    success="$(line success "$([ "$OUTCOME" = pass ] && echo 1 || echo 0)" ",reason=\"$REASON\"")"
    time="$(line timestamp_seconds "$(date +%s)")"
    lacks="$(for what in ${LACKS[@]+"${LACKS[@]}"}; do line lacks 1 ",what=\"$what\""; done)"
  fi
  if [ -n "$success" ]; then
    head_of "${METRIC}_success" gauge "1 if the last probe with a verdict could destroy nothing, 0 if it could; reason says what."
    printf '%s\n' "$success"
    head_of "${METRIC}_timestamp_seconds" gauge "End of the last probe that came to a verdict."
    printf '%s\n' "$time"
  fi
  if [ -n "$lacks" ]; then
    head_of "${METRIC}_lacks" gauge "1 for what the store or pgBackRest lacks and the repository can do without."
    printf '%s\n' "$lacks"
  fi
  head_of "${METRIC}_outcome" gauge "Outcome of the last probe: 1 for the one that holds."
  for state in pass fail unverified; do
    line outcome "$([ "$state" = "$OUTCOME" ] && echo 1 || echo 0)" ",outcome=\"$state\""
  done
}

# Not named restorable_*: those files are written each minute, and an alert watches that.
metrics_write() {
  local text
  METRICS_FILE="$METRICS_DIRECTORY/immutability_probe_${STANZA}_repo$REPO.prom"
  mkdir -p "$METRICS_DIRECTORY" || return 1
  text="$(metrics_render)" && replace_file "$METRICS_FILE" <<<"$text"
}
