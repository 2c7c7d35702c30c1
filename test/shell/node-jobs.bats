#!/usr/bin/env bats
# The timed jobs of a data node: backup and heartbeat.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  stub pgbackrest <<'STUB'
echo "pgbackrest $*" >>"$CALLS"
[[ " ${FAILING:-} " != *" $(sed 's/.*--repo=\([0-9]*\).*/\1/' <<<"$*") "* ]]
STUB
}

backup() {
  run --separate-stderr "$SCRIPTS/pgbackrest-backup.sh" "$@"
}

heartbeat() {
  run --separate-stderr "$SCRIPTS/heartbeat.sh"
}

as_standby() {
  RECOVERY=t CURRENT=secondary ASSIGNED=secondary "$@"
}

@test "backup: on the primary, into every repository" {
  backup full
  [ "$status" -eq 0 ]
  [ "$(cat "$CALLS")" = "pgbackrest --stanza=main --repo=1 --type=full backup
pgbackrest --stanza=main --repo=2 --type=full backup" ]
}

@test "backup: carries the row counts, once for all repositories; goes without them when nobody can count" {
  COUNTING=0 COUNTED=$'estimate\t900\tapp\tpublic.big\nestimate\t9\tapp\tpublic.users\nexact\t1000\tapp\tpublic.users\nexact\t0\tapp\tpublic.none\nestimate\t\tapp\tpublic.new' \
    backup full
  [ "$status" -eq 0 ]
  grep pgbackrest "$CALLS" | sed 's/.*--annotation=rows=\(.*\) backup/\1/' >"$BATS_TEST_TMPDIR/rows"
  [ "$(sort -u "$BATS_TEST_TMPDIR/rows" | wc -l)" -eq 1 ]
  jq -e '.rows == {app: {"public.users": 1000}} and .estimates == {app: {"public.big": 900}} and .left_out == 1 and .at > 1700000000' \
    < <(head -n 1 "$BATS_TEST_TMPDIR/rows")
  : >"$CALLS"
  COUNTING=2 backup full
  [ "$status" -eq 0 ]
  [[ $stderr == *"goes without row counts"* ]]
  run ! grep -q annotation "$CALLS"
}

@test "row counts: the largest tables first while there is room, what was counted when the time is over" {
  COUNTED=$'exact\t5\tapp\tpublic.small\nexact\t50\tapp\tpublic.large' COUNT_BYTES=40 COUNTING=124 \
    run --separate-stderr "$SCRIPTS/row-counts.sh"
  [ "$status" -eq 0 ]
  jq -e '.rows == {app: {"public.large": 50}} and .left_out == 1' <<<"$output"
}

@test "backup: on a standby one line, exit 0, no backup" {
  as_standby backup diff
  [ "$status" -eq 0 ]
  [ "$output" = "standby: the primary takes the diff backup" ]
  [ ! -s "$CALLS" ]
}

@test "backup: with an undecided role an error, no backup" {
  MONITOR=down backup full
  [ "$status" -eq 3 ]
  [[ $stderr == *"undecided"* ]]
  [ ! -s "$CALLS" ]
}

@test "backup: a repository that fails does not stop the others, and is named" {
  FAILING=1 backup full
  [ "$status" -eq 1 ]
  [ "$(wc -l <"$CALLS")" -eq 2 ]
  [[ $stderr == *"full backup of stanza main failed in repository 1" ]]
  FAILING="1 2" backup full
  [[ $stderr == *"in repository 1 2" ]]
}

@test "backup: into the one repository that is asked for, and no other" {
  backup full --repo 2
  [ "$status" -eq 0 ]
  [ "$(cat "$CALLS")" = "pgbackrest --stanza=main --repo=2 --type=full backup" ]
  for arguments in "--repo 3" "--repo" "2" "--repo 2 3"; do
    # shellcheck disable=SC2086 # words
    backup full $arguments
    [ "$status" -eq 2 ]
  done
  [ "$(wc -l <"$CALLS")" -eq 1 ]
}

@test "backup: waits for another one, for which pgBackRest would only fail; not for ever" {
  flock "$LOCK_FILE" sleep 3 3>&- &
  until ! flock -n "$LOCK_FILE" true; do :; done
  LOCK_WAIT_SECONDS=0 backup full --repo 1
  [ "$status" -eq 1 ]
  [ ! -s "$CALLS" ]
  [[ $stderr == *"another backup has not ended within 0 s"* ]]
  backup full --repo 1
  [ "$status" -eq 0 ]
  [ "$(wc -l <"$CALLS")" -eq 1 ]
}

@test "backup: refuses an unknown type and incomplete settings" {
  backup everything
  [ "$status" -eq 2 ]
  backup
  [ "$status" -eq 2 ]
  sed -i /REPOSITORIES/d "$RESTORABLE_BACKUP_ENV"
  backup full
  [ "$status" -ne 0 ]
  [[ $stderr == *REPOSITORIES* ]]
  [ ! -s "$CALLS" ]
}

@test "heartbeat: on the primary one row, which never waits for a standby" {
  heartbeat
  [ "$status" -eq 0 ]
  grep -q '^psql .*-d app' "$CALLS"
  grep -q 'INSERT INTO restorable.heartbeat' "$CALLS"
  grep -q 'SET synchronous_commit = local' "$CALLS"
  grep -q "interval '40 days'" "$CALLS"
}

@test "heartbeat: on a standby nothing, exit 0" {
  as_standby heartbeat
  [ "$status" -eq 0 ]
  [ -z "$output$stderr" ]
  [ ! -s "$CALLS" ]
}

@test "heartbeat: undecided role and failed insert are errors" {
  MONITOR=down heartbeat
  [ "$status" -eq 3 ]
  PSQL_STATUS=3 heartbeat
  [ "$status" -eq 1 ]
  [[ $stderr == *"not written to database app"* ]]
}

@test "--help" {
  for script in pgbackrest-backup heartbeat backup-guard; do
    run "$SCRIPTS/$script.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == Usage:* ]]
  done
}
