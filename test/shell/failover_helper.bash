# The failover test against stand-ins. `incus exec` runs the container's commands here, on stand-ins of psql and systemd,
# so that the script's parts inside containers run for real; `incus stop` makes the standby take over.
# shellcheck disable=SC2034 # what it sets is used by the tests

failover_setup() {
  SCRIPT="$BATS_TEST_DIRNAME/../../scripts/test_pg_failover.sh"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  CONFIG="$BATS_TEST_TMPDIR/failover-test.env"
  export W="$BATS_TEST_TMPDIR/world"
  mkdir -p "$STUBS" "$W"
  echo '*:*:*:app:secret-word' >"$BATS_TEST_TMPDIR/pgpass"
  cat >"$CONFIG" <<ENV
HOST=lab-host
MONITOR=mon
MONITOR_PGDATA=/monitor
NODES='mon lab-host project 10.0.0.1
one lab-host project 10.0.0.2
two lab-host project 10.0.0.3'
DATABASE=app
ROLE=app
URI='postgres://app@10.0.0.2:5432,10.0.0.3:5432/app?target_session_attrs=read-write'
PASSFILE=$BATS_TEST_TMPDIR/pgpass
FOLDER=$W/folder
LOCK_FILE=$BATS_TEST_TMPDIR/lock
BASELINE_SECONDS=1
REPAIR_SECONDS=3
WRITERS=1
ENV
  echo RUNNING >"$W/status"
  : >"$W/calls"
  healthy_states
  stub incus <<'STUB'
printf 'incus %s\n' "$*" >>"$W/calls"
while [[ $1 == --* ]]; do if [[ $1 == --project ]]; then shift; fi; shift; done
case $1 in
  remote) echo 'local (current),unix://' ;;
  list) cat "$W/status" ;;
  stop) echo STOPPED >"$W/status"; take_over ;;
  start) echo RUNNING >"$W/status"; printf 'one secondary/secondary 1\ntwo primary/primary 1\n' >"$W/states" ;;
  exec)
    while [[ $1 != -- ]]; do shift; done
    shift
    exec "$@"
    ;;
esac
STUB
  stub runuser <<'STUB'
while [[ $1 != -- ]]; do shift; done
shift
exec "$@"
STUB
  stub systemctl <<'STUB'
STUB
  # The clients: one row before the break.
  stub systemd-run <<'STUB'
printf 'systemd-run %s\n' "$*" >>"$W/calls"
case "$*" in
  *test-client*)
    mkdir -p "$W/folder/history" "$W/folder/log"
    echo "$EPOCHREALTIME client-1 client 10.0.0.2@1" >>"$W/folder/servers"
    printf 'sent client-1 1 %s\ndone client-1 1 %s acknowledged 10.0.0.2@1\n' "$EPOCHREALTIME" "$EPOCHREALTIME" >"$W/folder/history/client-1"
    echo 'client-1 1' >"$W/rows"
    ;;
  *test-switchover*) take_over; echo 'one secondary/secondary 1
two primary/primary 1' >"$W/states" ;;
esac
STUB
  # What follows a break, unless the formation is STUCK.
  stub take_over <<'STUB'
[[ -z ${STUCK:-} ]] || exit 0
now=$EPOCHREALTIME
printf '%s one primary draining\n%s two stop_replication wait_primary\n' "$now" "$now" >"$W/events"
printf 'sent client-1 2 %s\ndone client-1 2 %s acknowledged 10.0.0.3@2\n' "$now" "$now" >>"$W/folder/history/client-1"
[[ -n ${LOSES:-} ]] || echo 'client-1 2' >>"$W/rows"
echo "$now client-1 client 10.0.0.3@2" >>"$W/folder/servers"
STUB
  stub psql <<'STUB'
answer() {
  printf 'sql %s\n' "$1" >>"$W/calls"
  case $1 in
    *string_agg*) echo 'one primary/primary' ;;
    *pgautofailover.node*) cat "$W/states" ;;
    *pgautofailover.event*) if [[ -e $W/events ]]; then cat "$W/events"; fi ;;
    *pg_stat_replication*) echo "${STREAMING:-1 1}" ;;
    *"SELECT pg_current_wal_lsn()"*) echo 0/1000000 ;;
    *pg_last_wal_replay_lsn*) echo t ;;
    *"FROM restorable_failover_test.rows"*) cat "$W/rows" ;;
    *SCHEMA* | *TRUNCATE*) [[ -z ${READ_ONLY:-} ]] || exit 1 ;;
  esac
}
text=""
while IFS= read -r line; do
  if [[ $line == '\echo end :SQLSTATE' ]]; then answer "$text"; echo 'end 00000'; text=""; else text+="$line "; fi
done
[[ -z $text ]] || answer "$text"
STUB
  PATH="$STUBS:$PATH"
}

healthy_states() { printf 'one primary/primary 1\ntwo secondary/secondary 1\n' >"$W/states"; }

# stub NAME <body
stub() {
  { echo '#!/usr/bin/env bash'; cat; } >"$STUBS/$1"
  chmod +x "$STUBS/$1"
}
