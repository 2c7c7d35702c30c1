#!/usr/bin/env bats
# V6: who is the primary.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
}

role() {
  run --separate-stderr "$SCRIPTS/role.sh"
}

@test "each state of the monitor, with and without recovery" {
  # shellcheck source=scripts/node/role.sh
  . "$SCRIPTS/role.sh"
  while read -r recovery current assigned expected; do
    [[ -n $recovery ]] || continue
    answer=$(role_from "$recovery" "$current" "$assigned")
    [[ ${answer%% *} == "$expected" ]] || {
      echo "$recovery $current $assigned: expected $expected, got $answer"
      return 1
    }
  done <<'TABLE'
f     single              single              primary
f     primary             primary             primary
f     wait_primary        wait_primary        primary
f     wait_primary        primary             primary
f     join_primary        primary             primary
f     primary             apply_settings      primary
f     primary             draining            changing
f     primary             demoted             changing
f     primary             demote_timeout      changing
f     primary             prepare_maintenance changing
f     demoted             demoted             changing
f     secondary           secondary           changing
f     stop_replication    wait_primary        changing
f     none                none                unknown
t     secondary           secondary           standby
t     catchingup          catchingup          standby
t     catchingup          secondary           standby
t     maintenance         maintenance         standby
t     wait_standby        catchingup          standby
t     secondary           report_lsn          changing
t     report_lsn          report_lsn          changing
t     secondary           prepare_promotion   changing
t     prepare_promotion   stop_replication    changing
t     primary             primary             changing
down  demoted             demoted             standby
down  secondary           secondary           standby
down  maintenance         maintenance         standby
down  primary             primary             changing
down  single              single              changing
TABLE
}

@test "a primary by both accounts is the primary" {
  role
  [ "$status" -eq 0 ]
  [ "$output" = primary ]
}

@test "a standby is a standby" {
  RECOVERY=t CURRENT=secondary ASSIGNED=secondary role
  [ "$status" -eq 0 ]
  [ "$output" = standby ]
}

@test "an isolated old primary, monitor out of reach, is undecided" {
  MONITOR=down role
  [ "$status" -eq 3 ]
  [ -z "$output" ]
  [[ $stderr == *"the monitor does not answer, and Postgres here is not in recovery"* ]]
}

@test "a node in recovery needs no monitor to be a standby" {
  MONITOR=down RECOVERY=t role
  [ "$status" -eq 0 ]
  [ "$output" = standby ]
}

@test "a monitor or a Postgres that hangs is not waited for" {
  SECONDS=0
  ROLE_TIMEOUT_SECONDS=1 MONITOR=hangs role
  [ "$status" -eq 3 ]
  ROLE_TIMEOUT_SECONDS=1 RECOVERY=hangs role
  [ "$status" -eq 3 ]
  ((SECONDS < 10))
}

@test "an answer that is no JSON, a node that the monitor does not know, a keeper without state: undecided" {
  MONITOR=garbage role
  [ "$status" -eq 3 ]
  MONITOR=stranger role
  [ "$status" -eq 3 ]
  [[ $stderr == *"does not know this node"* ]]
  KEEPER=down role
  [ "$status" -eq 3 ]
  [[ $stderr == *"$BATS_TEST_TMPDIR/data"* ]]
}

@test "the reason tells what monitor and Postgres say" {
  ASSIGNED=draining role
  [ "$status" -eq 3 ]
  [[ $stderr == *"monitor: primary, assigned draining; in recovery: f"* ]]
}

@test "a change of roles is waited for" {
  stub psql <<'STUB'
[[ -e $CALLS.promoted ]] || { touch "$CALLS.promoted"; echo t; exit; }
echo f
STUB
  ROLE_WAIT_SECONDS=10 role
  [ "$status" -eq 0 ]
  [ "$output" = primary ]
}

@test "a node that is not provisioned says so" {
  RESTORABLE_BACKUP_ENV=/nonexistent role
  [ "$status" -eq 2 ]
  [[ $stderr == *"/nonexistent"*"provisioned"* ]]
}

@test "--help and wrong use" {
  run "$SCRIPTS/role.sh" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
  run "$SCRIPTS/role.sh" --nonsense
  [ "$status" -eq 2 ]
}
