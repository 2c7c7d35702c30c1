#!/usr/bin/env bats
# A Postgres that is to stop does not wait for the metrics exporter for ever.

setup() {
  load node_helper
  node_setup
  stub pg_isready <<'STUB'
exit "$ISREADY"
STUB
  stub ps <<'STUB'
echo "    1 /sbin/init"
echo "  $VICTIM postgres: restorable_metrics app [local] idle"
echo "  $OTHER postgres: app app 10.0.0.9(4711) idle"
STUB
  sleep 60 3>&- &
  export VICTIM=$!
  sleep 60 3>&- &
  export OTHER=$!
}

teardown() { kill "$VICTIM" "$OTHER" 2>/dev/null || true; }

runs() { kill -0 "$1" 2>/dev/null && [[ $(awk '/State/ {print $2}' "/proc/$1/status") != Z ]]; }

@test "a Postgres that rejects connections: the exporter's is ended, no other" {
  ISREADY=1 run "$SCRIPTS/release-shutdown.sh"
  [ "$status" -eq 0 ]
  [[ $output == *"($VICTIM) is ended"* ]]
  for _ in $(seq 50); do runs "$VICTIM" || break; sleep 0.1; done
  if runs "$VICTIM"; then false; fi
  runs "$OTHER"
}

@test "a Postgres that takes connections, or is not there, is left alone" {
  for answer in 0 2; do
    ISREADY=$answer run "$SCRIPTS/release-shutdown.sh"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
  done
  runs "$VICTIM"
}

@test "--help" {
  run "$SCRIPTS/release-shutdown.sh" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
}
