#!/usr/bin/env bats
# The step that creates the stanza, against a pgbackrest that another process holds up.

setup() {
  export STUBS="$BATS_TEST_TMPDIR" TRIES="$BATS_TEST_TMPDIR/tries" CHECKS="$BATS_TEST_TMPDIR/checks"
  : >"$TRIES" >"$CHECKS"
  step="$BATS_TEST_TMPDIR/step"
  {
    cat <<'STUBS'
set -euo pipefail
say() { echo "said: $*" >&2; }
fail() { echo "failed: $*" >&2; exit 1; }
wait_for() { shift 2; "$@"; }
sleep() { :; }
as_postgres() {
  case "$*" in
    */role.sh) echo primary ;;
    */heartbeat.sh) ;;
    *pg_postmaster_start_time*) if [ -n "$RESTARTS" ]; then wc -l <"$CHECKS"; else echo standing; fi ;;
    *" check") echo >>"$CHECKS"; [ "$(wc -l <"$CHECKS")" -gt "$CHECKS_FAIL" ] ;;
    *stanza-create*)
      echo >>"$TRIES"
      if [ "$(wc -l <"$TRIES")" -le "$LOCKED" ]; then echo 'ERROR: [050]: unable to acquire lock' ; return 50; fi
      return "$CREATE" ;;
    *info*) [ "$(wc -l <"$TRIES")" -gt "$LOCKED" ] && echo '[{"db":[1]}]' || echo '[{"db":[]}]' ;;
  esac
}
STUBS
    grep -v '^\. /usr/local/lib/restorable/pg.sh$' "$BATS_TEST_DIRNAME/../../scripts/converge/pgbackrest-stanza.sh"
  } >"$step"
  export STANZA=main REPOSITORIES=1 LOCKED=0 CREATE=0 CHECKS_FAIL=0 RESTARTS=
}

@test "stanza-create waits for an archive-push that holds the lock" {
  LOCKED=3 run bash "$step"
  [ "$status" -eq 0 ]
  [ "$(wc -l <"$TRIES")" -eq 4 ]
  [[ $output == *"said: stanza main created"* ]]
  [[ $output != *"[050]"* ]]
}

@test "another error of stanza-create is not tried again" {
  CREATE=28 run bash "$step"
  [ "$status" -eq 1 ]
  [ "$(wc -l <"$TRIES")" -eq 1 ]
  [[ $output == *"failed: stanza main cannot be created"* ]]
}

@test "a lock that stays is an error, with pgBackRest's own words" {
  sed -i 's/SECONDS + 120/SECONDS - 1/' "$step"
  LOCKED=1000 run bash "$step"
  [ "$status" -eq 1 ]
  [[ $output == *"unable to acquire lock"* ]]
}

@test "a check that failed while Postgres was restarted is made once more" {
  CHECKS_FAIL=1 RESTARTS=y run bash "$step"
  [ "$status" -eq 0 ]
  [ "$(wc -l <"$CHECKS")" -eq 2 ]
  [[ $output == *"but Postgres was restarted meanwhile: once more"* ]]
}

@test "a check that fails with Postgres standing is an error at once; one that goes on failing is one as well" {
  CHECKS_FAIL=1 run bash "$step"
  [ "$status" -eq 1 ]
  [ "$(wc -l <"$CHECKS")" -eq 1 ]
  [[ $output == *"failed: pgbackrest check failed: WAL does not reach repository 1"* ]]
  : >"$CHECKS"
  CHECKS_FAIL=99 RESTARTS=y run bash "$step"
  [ "$status" -eq 1 ]
  [ "$(wc -l <"$CHECKS")" -eq 3 ]
}
