#!/usr/bin/env bats
# The history checker: it has to be able to fail.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  CHECK="$BATS_TEST_DIRNAME/../../scripts/failover/check-history.sh"
  cd "$BATS_TEST_TMPDIR" || return 1
  cat >history <<'TEXT'
sent client-1 1 100.1
done client-1 1 100.2 acknowledged 10.0.0.2@1
sent client-1 2 100.3
sent client-2 1 100.3
done client-2 1 100.4 acknowledged 10.0.0.2@1
done client-1 2 102.3 unknown 10.0.0.2@1
sent client-1 3 104.0
done client-1 3 104.1 refused 10.0.0.3@1
sent client-1 4 104.2
done client-1 4 104.3 acknowledged 10.0.0.3@2
sent client-2 2 104.4
TEXT
  printf '%s\n' 'client-1 1' 'client-2 1' 'client-1 4' >rows
}

check() { run --separate-stderr "$CHECK" history rows; }

@test "acknowledged rows are there once: no violation" {
  check
  [ "$status" -eq 0 ]
  [ "$output" = "acknowledged=3 refused=1 unknown=2 unknown_there=0 lost=0 doubled=0 unasked=0" ]
}

@test "a row of unknown fate, or one that the client was ended on, may be there once" {
  printf '%s\n' 'client-1 2' 'client-2 2' >>rows
  check
  [ "$status" -eq 0 ]
  [[ $output == *"unknown=2 unknown_there=2 lost=0"* ]]
}

@test "a lost row is found and named" {
  sed -i '/client-2 1/d' rows
  check
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == *"lost=1 doubled=0 unasked=0" ]]
  [ "${lines[1]}" = "lost client-2 1" ]
}

@test "all rows lost" {
  : >rows
  check
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == *"lost=3"* ]]
}

@test "a doubled row is found, whether acknowledged or unknown" {
  echo 'client-1 4' >>rows
  check
  [ "$status" -eq 1 ]
  [ "${lines[1]}" = "doubled client-1 4" ]
  printf '%s\n' 'client-1 1' 'client-2 1' 'client-1 4' 'client-1 2' 'client-1 2' >rows
  check
  [ "$status" -eq 1 ]
  [ "${lines[1]}" = "doubled client-1 2" ]
}

@test "a refused row that is there, and one that nobody sent" {
  printf '%s\n' 'client-1 3' 'client-9 7' >>rows
  check
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == *"unasked=2" ]]
  [[ $output == *"unasked client-1 3"* ]]
  [[ $output == *"unasked client-9 7"* ]]
}

@test "what proves nothing does not pass: no acknowledged row, no history, a line that is none" {
  printf 'sent client-1 1 100.1\n' >history
  : >rows
  check
  [ "$status" -eq 2 ]
  [[ $stderr == *"nothing is proven"* ]]
  rm history
  check
  [ "$status" -eq 2 ]
  printf 'sent client-1 1 100.1\ndone client-1 1 100.2 perhaps x\n' >history
  check
  [ "$status" -eq 2 ]
  printf 'sent client-1 1 100.1\nsent client-1 1 100.2\n' >history
  check
  [ "$status" -eq 2 ]
  printf 'done client-1 1 100.2 acknowledged x\n' >history
  check
  [ "$status" -eq 2 ]
}

@test "wrong use, --help" {
  run "$CHECK" history
  [ "$status" -eq 2 ]
  run "$CHECK" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
}
