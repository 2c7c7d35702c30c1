# Stand-ins for pg_autoctl, psql, pgbackrest and pg_controldata, told by environment variables what to answer.
# shellcheck disable=SC2034 # what it sets is used by the tests

node_setup() {
  SCRIPTS="$BATS_TEST_DIRNAME/../../scripts/node"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  CALLS="$BATS_TEST_TMPDIR/calls"
  mkdir -p "$STUBS"
  : >"$CALLS"
  cat >"$BATS_TEST_TMPDIR/backup.env" <<ENV
STANZA=main
REPOSITORIES="1 2"
PGDATA=$BATS_TEST_TMPDIR/data
DATABASE=app
PG_MAJOR=17
ENV
  export RESTORABLE_BACKUP_ENV="$BATS_TEST_TMPDIR/backup.env" CALLS
  export LOCK_FILE="$BATS_TEST_TMPDIR/lock" ROLE_WAIT_SECONDS=0 ROLE_TIMEOUT_SECONDS=2
  # What a healthy primary sees.
  export RECOVERY=f CURRENT=primary ASSIGNED=primary MONITOR=up KEEPER=up
  PATH="$STUBS:$PATH"

  stub pg_autoctl <<'STUB'
if [[ $* == *--local* ]]; then
  [[ $KEEPER == up ]] || exit 1
  # Its own opinion never counts: an isolated old primary still says primary.
  echo '{"node_id": 2, "current_group_state": "primary", "assigned_group_state": "primary"}'
  exit
fi
case $MONITOR in
  down) exit 7 ;;
  hangs) sleep 60 ;;
  garbage) echo 'not json' ;;
  stranger) echo '[{"node_id": 1, "current_group_state": "primary", "assigned_group_state": "primary"}]' ;;
  up) cat <<JSON
[{"node_id": 1, "current_group_state": "secondary", "assigned_group_state": "secondary"},
 {"node_id": 2, "current_group_state": "$CURRENT", "assigned_group_state": "$ASSIGNED"}]
JSON
    ;;
esac
STUB

  stub psql <<'STUB'
case "$*" in
  *pg_is_in_recovery*)
    case $RECOVERY in
      t | f) echo "$RECOVERY" ;;
      hangs) sleep 60 ;;
      *) exit 2 ;;
    esac
    ;;
  *"-F "*"-d postgres"*) echo app ;;
  *"-F "*)
    printf '%s\n' "${COUNTED:-}"
    exit "${COUNTING:-2}"
    ;;
  *)
    echo "psql $*" >>"$CALLS"
    cat >>"$CALLS"
    exit "${PSQL_STATUS:-0}"
    ;;
esac
STUB
}

# stub NAME <body
stub() {
  { echo '#!/usr/bin/env bash'; cat; } >"$STUBS/$1"
  chmod +x "$STUBS/$1"
}
