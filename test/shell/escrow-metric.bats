#!/usr/bin/env bats
# The time of the escrow as a metric: one of other keys is none.

setup() {
  metrics="$BATS_TEST_TMPDIR/metrics" state="$BATS_TEST_TMPDIR/state"
  export DRILL_DIRECTORY="$BATS_TEST_TMPDIR/drill"
  mkdir -p "$metrics" "$state" "$DRILL_DIRECTORY"
  echo 'repo1-cipher-pass=one' >"$DRILL_DIRECTORY/secrets.repo1.conf"
  echo 'repo2-cipher-pass=two' >"$DRILL_DIRECTORY/secrets.repo2.conf"
  metric="$BATS_TEST_DIRNAME/../../scripts/escrow/metric.sh"
}
value() { sed -n 's/^restorable_escrow_timestamp_seconds //p' "$metrics/restorable_escrow.prom"; }

@test "0 before the first escrow, then its time, also after a later update" {
  "$metric" "$metrics" "$state"
  [ "$(value)" = 0 ]
  "$metric" --made 1234 "$metrics" "$state"
  [ "$(value)" = 1234 ]
  "$metric" "$metrics" "$state"
  [ "$(value)" = 1234 ]
  [ "$(stat -c %a "$metrics/restorable_escrow.prom")" = 644 ]
  [ "$(stat -c %a "$state/escrow")" = 600 ]
}

@test "a key that changed since, or a further repository: 0 again, until there is another escrow" {
  "$metric" --made 1234 "$metrics" "$state"
  echo 'repo2-cipher-pass=other' >"$DRILL_DIRECTORY/secrets.repo2.conf"
  "$metric" "$metrics" "$state"
  [ "$(value)" = 0 ]
  "$metric" --made 5678 "$metrics" "$state"
  [ "$(value)" = 5678 ]
  echo 'repo3-cipher-pass=three' >"$DRILL_DIRECTORY/secrets.repo3.conf"
  "$metric" "$metrics" "$state"
  [ "$(value)" = 0 ]
}

@test "wrong use ends with 2 and writes nothing" {
  run "$metric" --made soon "$metrics" "$state"
  [ "$status" -eq 2 ]
  run "$metric" "$metrics"
  [ "$status" -eq 2 ]
  [ ! -e "$metrics/restorable_escrow.prom" ]
}
