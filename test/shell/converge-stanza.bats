#!/usr/bin/env bats
# The step that creates the stanza, against a pgbackrest that another process holds up.

setup() {
  export STUBS="$BATS_TEST_TMPDIR" TRIES="$BATS_TEST_TMPDIR/tries"
  : >"$TRIES"
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
  export STANZA=main REPOSITORIES=1 LOCKED=0 CREATE=0
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
