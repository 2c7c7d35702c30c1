# shellcheck shell=bash
# What the jobs in a cluster share: settings, an orderly end, metrics. After metrics/textfile.sh.

CHILD=''

# need NAME...: settings of the environment; ends with 2 when one is missing.
need() {
  local name
  for name in "$@"; do
    [ -n "${!name:-}" ] || { echo "$name is not set" >&2; exit 2; }
  done
}

# attended COMMAND...: in a process group of its own that ends when this process is asked to. As the pod's first process
# it is the only one that the kubelet signals, and a shell that waits for a command in the foreground does not hear it.
attended() {
  local rc=0
  set -m
  "$@" &
  CHILD=$!
  set +m
  while :; do
    rc=0
    wait "$CHILD" || rc=$?
    # A signal that is trapped ends the wait, not the child.
    if ! kill -0 "$CHILD" 2>/dev/null; then break; fi
  done
  CHILD=''
  return "$rc"
}

# Ends what runs now, with all that it started.
end_child() {
  local i
  [ -n "$CHILD" ] || return 0
  kill -TERM -- "-$CHILD" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 "$CHILD" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$CHILD" 2>/dev/null || true
  wait "$CHILD" 2>/dev/null || true
  CHILD=''
}

# push METHOD JOB NAMESPACE SOURCE DATABASE: the series on standard input to the Pushgateway, in the group of these labels
# and the stack's; an empty one is left out. POST replaces series of these names only: what a run does not say stays as the last one said
# it. PUT replaces the whole group.
push() {
  local method=$1 path=/metrics/job/$2 label
  shift 2
  # Others may report to the same Pushgateway.
  set -- "$STANZA" "$@"
  for label in stanza namespace source database; do
    [ -z "$1" ] || path+=/$label@base64/$(printf %s "$1" | base64 -w 0 | tr '+/' '-_')
    shift
    (($# > 0)) || break
  done
  curl -fsS -m 20 --retry 3 --retry-delay 2 --retry-connrefused -o /dev/null -X "$method" --data-binary @- "$PUSHGATEWAY_URL$path" ||
    { echo "metrics do not reach the Pushgateway at $PUSHGATEWAY_URL" >&2; return 1; }
}

# gauge NAME HELP VALUE [LABELS]: one series, its name with the stack's prefix; nothing without a value.
gauge() {
  [ -n "$3" ] || return 0
  head_of "${METRICS_PREFIX}_$1" gauge "$2"
  printf '%s%s %s\n' "${METRICS_PREFIX}_$1" "${4:+{$4\}}" "$3"
}

# outcomes NAME HELP OUTCOME: one series for each, 1 for the one that holds.
outcomes() {
  local state
  head_of "${METRICS_PREFIX}_$1" gauge "$2"
  for state in pass fail unverified; do
    printf '%s{outcome="%s"} %s\n' "${METRICS_PREFIX}_$1" "$state" "$([ "$state" = "$3" ] && echo 1 || echo 0)"
  done
}

# store_outcome TEXT: what rclone's words mean: "<fail|unverified> <reason>".
store_outcome() {
  case $1 in
    *x509* | *certificate*) echo "unverified store_tls" ;;
    *RequestTimeTooSkewed*) echo "unverified clock_skew" ;;
    *AccessDenied* | *Forbidden* | *InvalidAccessKeyId* | *SignatureDoesNotMatch* | *"status code: 403"*) echo "fail access_denied" ;;
    *NoSuchBucket* | *NoSuchKey* | *"not found"*) echo "fail no_backup" ;;
    *"o space left on device"*) echo "unverified disk_too_small" ;;
    *) echo "unverified store_unreachable" ;;
  esac
}

# said FILE: the last line of somebody's words, printable, for one line of a log.
said() { LC_ALL=C tr -cd '[:print:]\n' <"$1" | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-300; }
