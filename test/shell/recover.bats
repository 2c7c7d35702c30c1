#!/usr/bin/env bats
# What decides whether a formation is brought back from a repository, and whether its old site still lives.

setup() {
  # shellcheck source=scripts/host/recover.sh
  . "$BATS_TEST_DIRNAME/../../scripts/host/recover.sh"
  say() { echo "said: $*" >&2; }
}

@test "an empty formation, seen from every side, is restored" {
  [ "$(recover_decision '' 77 'two= three=' '' '' '')" = restore ]
  # The monitor outlived the data nodes: it lists them, and nobody reports.
  [ "$(recover_decision '' 77 'two=' 'two' '' '')" = restore ]
}

@test "the cluster of the repository that is here already: nothing to do, whatever the others say" {
  for others in '' 'two=77' 'two=88'; do
    [[ "$(recover_decision 77 77 "$others" '' '' '')" == nothing* ]]
  done
}

@test "another cluster here is never overwritten" {
  run recover_decision 88 77 'two=' '' '' ''
  [[ $output == refuse*"holds cluster 88"*"repository's is 77"* ]]
}

@test "a formation that lives gives this node its data" {
  [[ "$(recover_decision '' 77 'two=' 'two' 'two' '')" == nothing* ]]
  [[ "$(recover_decision '' 77 'two=77' 'two' 'two' '10.1.1.2')" == nothing* ]]
}

@test "a formation that lives with another cluster than the repository's is refused, not joined in silence" {
  [[ "$(recover_decision '' 77 'two= three=88' 'two three' 'two three' '')" == "refuse node three holds cluster 88"* ]]
}

@test "data of a node that the monitor knows is what this node comes back from; of one that it does not know, a question" {
  [[ "$(recover_decision '' 77 'two= three=77' 'two three' '' '')" == "nothing node three"* ]]
  [[ "$(recover_decision '' 77 'two= three=77' '' '' '')" == "refuse node three"* ]]
  [[ "$(recover_decision '' 77 'two=88' '' '' '')" == "refuse node two holds cluster 88"* ]]
}

@test "a Postgres that answers at an address of this formation is never run over" {
  [[ "$(recover_decision '' 77 'two=' '' '' '10.1.1.13 ')" == "refuse a Postgres answers at 10.1.1.13"* ]]
}

# WAL as the store tells of it: the next line of a file at each look.
looks() {
  printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/looks"
  newest_wal() {
    local line
    line=$(head -n 1 "$BATS_TEST_TMPDIR/looks")
    if [ "$(wc -l <"$BATS_TEST_TMPDIR/looks")" -gt 1 ]; then sed -i 1d "$BATS_TEST_TMPDIR/looks"; fi
    [ "$line" != fails ] || return 1
    echo "$line"
  }
  REPOSITORY=2 NOW=1000
  # shellcheck disable=SC2317 # called by the script
  date() { cat "$BATS_TEST_TMPDIR/now"; }
  echo 1000 >"$BATS_TEST_TMPDIR/now"
  # shellcheck disable=SC2317
  sleep() { echo $(($(cat "$BATS_TEST_TMPDIR/now") + $1)) >"$BATS_TEST_TMPDIR/now"; }
}

@test "WAL older than the bound: the old site is dead, at once" {
  looks '700 A'
  source_dead 180 '700 A' 1000
  [ "$(cat "$BATS_TEST_TMPDIR/now")" = 1000 ]
}

@test "fresh WAL: waits until it is old, and says why" {
  looks '950 A'
  run source_dead 180 '950 A' 1000
  [ "$status" -eq 0 ]
  [[ $output == *"50 s old: waiting until it is 180 s"* ]]
  [ "$(cat "$BATS_TEST_TMPDIR/now")" = 1130 ]
}

@test "WAL that arrives meanwhile: the old site lives, also when it came during the restore" {
  looks '950 A' '950 A' '1008 B'
  run source_dead 180 '950 A' 1000
  [ "$status" -eq 1 ]
  looks '300 B'
  run source_dead 180 '200 A' 1000
  [ "$status" -eq 1 ]
}

@test "a store whose clock is ahead is waited for no longer than the bound" {
  looks '99999 A'
  source_dead 180 '99999 A' 1000
  [ "$(cat "$BATS_TEST_TMPDIR/now")" = 1180 ]
}

@test "a repository that cannot be asked proves nothing" {
  looks '950 A' fails
  run source_dead 180 '950 A' 1000
  [ "$status" -eq 2 ]
}
