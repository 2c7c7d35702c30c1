#!/usr/bin/env bats
# The job that copies the monitor's history into the database.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  mv "$STUBS/pg_autoctl" "$STUBS/state"
  stub pg_autoctl <<'STUB'
if [[ $* == *'config get pg_autoctl.monitor'* ]]; then echo 'postgres://autoctl_node@monitor/pg_auto_failover'; exit; fi
exec "$(dirname "$0")/state" "$@"
STUB
  mv "$STUBS/psql" "$STUBS/local"
  stub psql <<'STUB'
if [[ $* == *monitor/pg_auto_failover* ]]; then
  [[ ${HISTORY:-there} == there ]] || exit 2
  cat >"$CALLS.monitor"
  printf 'event\t1\t7\tnow\tn\t{}\n'
  exit
fi
exec "$(dirname "$0")/local" "$@"
STUB
}

copy() {
  run --separate-stderr "$SCRIPTS/monitor-copy.sh"
}

@test "on the primary the monitor's rows go into the application's database, without waiting for a standby" {
  copy
  [ "$status" -eq 0 ]
  grep -qF $'event\t1\t7\tnow\tn\t{}' "$CALLS"
  [ "$(grep -c 'synchronous_commit = local' "$CALLS")" -eq 2 ]
  [[ $(cat "$CALLS") == *'-d app '* ]]
  grep -q 'pgautofailover.event' "$CALLS.monitor"
}

@test "on a standby nothing is asked or written" {
  RECOVERY=t CURRENT=secondary ASSIGNED=secondary copy
  [ "$status" -eq 0 ]
  [ ! -s "$CALLS" ]
  [ ! -e "$CALLS.monitor" ]
}

@test "a monitor that cannot be read is an error, and nothing of it is written" {
  HISTORY=gone copy
  [ "$status" -eq 1 ]
  [[ $stderr == *"the monitor cannot be read"* ]]
  run ! grep -q 'INSERT INTO' "$CALLS"
}

@test "a database that does not take the rows is an error" {
  PSQL_STATUS=3 copy
  [ "$status" -eq 1 ]
  [[ $stderr == *"database app"* ]]
}

@test "an undecided role is an error" {
  MONITOR=down copy
  [ "$status" -eq 3 ]
}
