#!/usr/bin/env bats
# test_pg_failover.sh: exit codes, what it leaves behind, what it prints.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load failover_helper
  failover_setup
}

failover() { run --separate-stderr "$SCRIPT" --config "$CONFIG" "$@"; }

# Nothing of the test is left, and no node is down.
clean() {
  [ ! -e "$W/folder" ]
  grep -q 'DROP SCHEMA IF EXISTS restorable_failover_test CASCADE' <(tail -4 "$W/calls")
  [ "$(cat "$W/status")" = RUNNING ]
}

@test "passes: stopped, taken over, started again, whole history, nothing left" {
  failover
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  grep -q 'stop --force one' "$W/calls"
  grep -q 'start one' "$W/calls"
  [[ $stderr == *"ok      first write after"*"on two; 2 rows acknowledged, none lost or doubled"* ]]
  clean
}

@test "whichever node is primary is the one that is broken" {
  printf 'one secondary/secondary 1\ntwo primary/primary 1\n' >"$W/states"
  failover
  grep -q 'stop --force two' "$W/calls"
}

@test "--runs and --json: each run, median and p95" {
  failover --runs 2 --json --mode switchover
  [ "$status" -eq 0 ]
  [ "$(jq -r '[.mode, .passed, (.runs | length), .exitCode, .targetSeconds] | @csv' <<<"$output")" = '"switchover",2,2,0,60' ]
  [ "$(jq '.summary.firstWriteSeconds.p95 <= 60 and .runs[0].history.lost == 0' <<<"$output")" = true ]
}

@test "a node on another host: through that host's remote, or in its project on the same daemon" {
  sed -i 's/^two lab-host project/two other-host project-2/' "$CONFIG"
  failover
  [ "$status" -eq 0 ]
  grep -q -- '--project project-2 exec two ' "$W/calls"
  healthy_states
  sed -i "s#remote) .*#remote) printf 'local,unix://\\nother-host,https://x\\n' ;;#" "$STUBS/incus"
  failover
  [ "$status" -eq 0 ]
  grep -q -- '--project project-2 exec other-host:two ' "$W/calls"
}

@test "exit 1: unhealthy baseline, said why, nothing broken" {
  for states in 'one primary/primary 1' $'one primary/primary 1\ntwo catchingup/secondary 1' \
    $'one wait_primary/wait_primary 1\ntwo secondary/secondary 1' $'one primary/primary 1\ntwo secondary/secondary 0' \
    $'one primary/primary 1\ntwo secondary/secondary 1\nthree secondary/secondary 1'; do
    printf '%s\n' "$states" >"$W/states"
    failover
    [ "$status" -eq 1 ]
    [[ $stderr == *"unhealthy baseline, nothing done: "?* ]]
  done
  run ! grep -qE 'stop --force|SCHEMA' "$W/calls"
}

@test "exit 1: no synchronous standby; a client that cannot write" {
  STREAMING="1 0" failover
  [ "$status" -eq 1 ]
  [[ $stderr == *"no synchronous standby"* ]]
  READ_ONLY=y failover
  [ "$status" -eq 1 ]
  [[ $stderr == *"cannot write"* ]]
  run ! grep -q 'stop --force' "$W/calls"
}

@test "exit 1: another run is going" {
  exec 8>"$BATS_TEST_TMPDIR/lock"
  flock 8
  failover
  [ "$status" -eq 1 ]
  [[ $stderr == *"another run is going"* ]]
}

@test "exit 2: no write within the target; repaired all the same" {
  STUCK=y RTO_TARGET_SECONDS=1 failover
  [ "$status" -eq 2 ]
  [[ $stderr == *"no write accepted within 1 s"* ]]
  clean
}

@test "exit 2: not healthy again" {
  sed -i 's#start) .*#start) echo RUNNING >"$W/status"; printf "one catchingup/secondary 1\\ntwo primary/primary 1\\n" >"$W/states" ;;#' "$STUBS/incus"
  failover
  [ "$status" -eq 2 ]
  [[ $stderr == *"not healthy again within 3 s: one is catchingup/secondary"* ]]
  clean
}

@test "exit 3: a tool or the settings are missing" {
  rm "$STUBS/incus"
  for tool in bash dirname readlink cat jq awk tar flock mktemp; do ln -s "$(command -v "$tool")" "$STUBS/$tool"; done
  PATH="$STUBS" failover
  [ "$status" -eq 3 ]
  [[ $stderr == *"incus is not installed"* ]]
  failover --config /nowhere
  [ "$status" -eq 3 ]
}

@test "exit 4: an acknowledged row is lost, and named" {
  LOSES=y failover --json
  [ "$status" -eq 4 ]
  [[ $stderr == *"lost client-1 2"* ]]
  [ "$(jq '.runs[0].history.lost' <<<"$output")" = 1 ]
  clean
}

@test "exit 64: wrong use" {
  for arguments in "--mode burn" "--runs 0" "--runs" "--loud"; do
    # shellcheck disable=SC2086
    failover $arguments
    [ "$status" -eq 64 ]
  done
  [ ! -s "$W/calls" ]
}

@test "a signal in the middle: the node is started again, all is cleaned up" {
  STUCK=y "$SCRIPT" --config "$CONFIG" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$! code=0
  for _ in $(seq 200); do grep -q 'stop --force' "$W/calls" && break; sleep 0.1; done
  grep -q 'stop --force' "$W/calls"
  kill -TERM "$pid"
  wait "$pid" || code=$?
  [ "$code" -eq 143 ]
  grep -q 'start one' "$W/calls"
  clean
}

@test "the password is in no command" {
  failover
  run ! grep -q secret-word "$W/calls"
}

@test "--help" {
  run "$SCRIPT" --help
  [ "$status" -eq 0 ]
  [[ $output == usage:* ]]
  for script in writer watch cut; do
    run "$BATS_TEST_DIRNAME/../../scripts/failover/inside/$script.sh"
    [ "$status" -eq 64 ]
  done
}
