#!/usr/bin/env bats
# An outage of a repository: archiving-watch.sh leaves it out and puts it back, archiving-close.sh closes its hole.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  export W="$BATS_TEST_TMPDIR"
  export METRICS_DIRECTORY="$W/metrics" STATE_DIRECTORY="$W/state" PGBACKREST_DIRECTORY="$W/etc" DROPPED_FILE="$W/dropped"
  export TIMELINE=00000001 CURRENT_SEGMENT=5
  mkdir -p "$METRICS_DIRECTORY" "$W/data/pg_wal/archive_status" "$W/repo1" "$W/repo2" "$PGBACKREST_DIRECTORY/conf.d"
  cat >"$PGBACKREST_DIRECTORY/pgbackrest.conf" <<CONF
[global]
spool-path=$W/spool
archive-push-queue-max=100MB
repo1-path=/one
repo2-path=/two
repo22-path=/other
[main]
pg1-path=$W/data
CONF
  printf '[global]\nrepo1-s3-key=one\nrepo2-s3-key=two\n' >"$PGBACKREST_DIRECTORY/conf.d/secrets.conf"
  chmod 0600 "$PGBACKREST_DIRECTORY/conf.d/secrets.conf"
  cat >>"$RESTORABLE_BACKUP_ENV" <<ENV
SUSPEND_AFTER_SECONDS=10
RESUME_AFTER_SECONDS=0
PROBE_SECONDS=1
FILL_SEGMENTS=3
ENV
  # Segments of 4 KiB, the first four archived; both repositories have the backup that began in the first one.
  for number in 1 2 3 4; do
    wal "$number" >"$W/data/pg_wal/$(segment "$number")"
    touch "$W/data/pg_wal/archive_status/$(segment "$number").done" "$W/repo1/$(segment "$number")" "$W/repo2/$(segment "$number")"
  done
  wal 5 >"$W/data/pg_wal/$(segment 5)"
  echo "full $(segment 1)" | tee "$W/backups1" >"$W/backups2"

  stub psql <<'STUB'
echo "psql $*" >>"$CALLS"
case "$*" in
  *pg_walfile_name*) echo "$RECOVERY 4096 ${TIMELINE}0000000000$(printf %06X "$CURRENT_SEGMENT")" ;;
  *wal_segment_size*) [[ -z ${DOWN:-} ]] || exit 2; echo "$RECOVERY 4096" ;;
  *pg_is_in_recovery*) echo "$RECOVERY" ;;
esac
STUB
  # Repositories are folders; DEAD names those that take nothing, NOWHERE those from which nothing can be had.
  stub pgbackrest <<'STUB'
echo "pgbackrest $*" >>"$CALLS"
repo=$(sed -n 's/.*--repo=\([0-9]*\).*/\1/p;s/.*--config=[^ ]*repo\([0-9]*\)[.]conf .*/\1/p' <<<"$*")
if [[ " ${DEAD:-} " == *" $repo "* ]]; then echo "ERROR: [103]: repo$repo: [HostConnectError] unable to connect" >&2; exit 49; fi
case "$*" in
  *" info")
    jq -Rn --argjson repo "$repo" '[inputs | split(" ") | {type: .[0], archive: {start: .[1]}, database: {"repo-key": $repo}}] as $all
      | [{db: [{id: 1, "repo-key": $repo, version: "17"}], backup: $all}]' <"$W/backups$repo" ;;
  *" repo-ls archive/main/17-1") ls "$W/repo$repo" ;;
  *" repo-ls archive/main/17-1/"*) ls "$W/repo$repo" | grep "^$(basename "${!#}")" | sed 's/$/-0a1b.zst/' || true ;;
  *archive-get*) [[ " ${NOWHERE:-} " != *" $repo "* && -e $W/repo$repo/${*: -2:1} ]] && touch "${!#}" ;;
  *archive-push*) touch "$W/repo$repo/$(basename "${!#}")" ;;
  *" backup") echo "incr 0000000100000000000F0000" >>"$W/backups$repo" ;;
  *" check") [[ -z ${CHECK_FAILS:-} ]] && touch "$W/repo$repo/${TIMELINE}0000000000$(printf %06X "$CURRENT_SEGMENT")" ;;
esac
STUB
}

segment() { printf '000000010000000000%06X' "$1"; }

# wal NUMBER: a file of one page, whose header says where it belongs.
wal() {
  printf '\x10\xd1\x02\x00\x01\x00\x00\x00'
  # shellcheck disable=SC2059
  printf "$(printf '\\x%02x\\x%02x\\x00\\x00' $(($1 * 4096 & 255)) $(($1 * 4096 >> 8)))"
  head -c 4084 /dev/zero
}

# waits NUMBER SECONDS: the segment is ready, and has been for so long.
waits() {
  rm -f "$W/data/pg_wal/archive_status/$(segment "$1").done" "$W"/repo?/"$(segment "$1")"
  touch -d "$2 seconds ago" "$W/data/pg_wal/archive_status/$(segment "$1").ready"
}

watch() { run --separate-stderr "$SCRIPTS/archiving-watch.sh" "$@"; }
close() { run --separate-stderr "$SCRIPTS/archiving-close.sh"; }
gauge() { awk -v name="restorable_repository_$1{stanza=\"main\",repo=\"$2\"}" '$1 == name { print $2 }' "$METRICS_DIRECTORY/restorable_archiving.prom"; }
pushes_to() { grep -o '^repo[0-9]*-path' "$PGBACKREST_DIRECTORY/archiving/push.conf" | tr -d '\n'; }

@test "nothing waits: the configurations are there, 0600, and nobody is asked" {
  watch
  [ "$status" -eq 0 ]
  [ "$(cat "$PGBACKREST_DIRECTORY/archiving/push.conf")" = "$(cat "$PGBACKREST_DIRECTORY/pgbackrest.conf" "$PGBACKREST_DIRECTORY/conf.d/secrets.conf" | grep -v repo22)" ]
  [ "$(stat -c %a "$PGBACKREST_DIRECTORY/archiving" "$PGBACKREST_DIRECTORY/archiving/push.conf" | tr '\n' ' ')" = "700 600 " ]
  grep -q '^repo2-s3-key=two' "$PGBACKREST_DIRECTORY/archiving/repo2.conf"
  run ! grep -qE '^repo(1|22)-|queue-max' "$PGBACKREST_DIRECTORY/archiving/repo2.conf"
  [ ! -s "$CALLS" ]
  [ "$(gauge archiving 1)$(gauge archiving 2)$(gauge hole 2)$(gauge suspended_timestamp_seconds 2)" = 1100 ]
}

@test "WAL that waits too short a time, and WAL that every repository takes" {
  waits 4 5
  watch
  [ ! -s "$CALLS" ]
  waits 4 30
  watch
  [ "$status" -eq 0 ]
  [ "$(grep -c "archive-push .*/pg_wal/$(segment 4)$" "$CALLS")" -eq 2 ]
  [ "$(gauge archiving 1)$(gauge archiving 2)" = 11 ]
  run ! grep -q switch "$CALLS"
}

@test "a dead repository is left out, with a spool and a lock of its own, and that is said" {
  waits 4 30
  DEAD=2 watch
  [ "$status" -eq 0 ]
  [ "$(pushes_to)" = repo1-path ]
  grep -qx "spool-path=$W/spool/only-1" "$PGBACKREST_DIRECTORY/archiving/push.conf"
  grep -qx "lock-path=/tmp/pgbackrest/only-1" "$PGBACKREST_DIRECTORY/archiving/push.conf"
  run ! grep -q '^repo2-' "$PGBACKREST_DIRECTORY/archiving/push.conf"
  [ "$(gauge archiving 1)$(gauge archiving 2)$(gauge hole 1)$(gauge hole 2)" = 1001 ]
  [ "$(gauge suspended_timestamp_seconds 2)" -gt 1000 ]
  grep -q pg_switch_wal "$CALLS"
  DEAD=2 watch
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  [ "$(grep -c pg_switch_wal "$CALLS")" -eq 1 ]
}

@test "what is said: which repository, what waits, why" {
  waits 4 30
  DEAD=1 run --separate-stderr "$SCRIPTS/archiving-watch.sh"
  [[ $stderr =~ "repository 1 does not take WAL, $(segment 4) waits for "[0-9]+" s: taken out of archiving ([103]: repo1: [HostConnectError] unable to connect)" ]]
  [ "$(pushes_to)" = repo2-path ]
}

@test "no repository takes WAL: nothing is left out" {
  waits 4 30
  DEAD="1 2" watch
  [ "$status" -eq 0 ]
  [[ $stderr == *"no repository takes WAL"*"WAL stays in pg_wal"* ]]
  [ "$(pushes_to)" = repo1-pathrepo2-path ]
  [ "$(gauge archiving 1)$(gauge archiving 2)" = 11 ]
}

@test "the one that is left dies too, and the first returns: they change places" {
  waits 4 30
  DEAD=2 watch
  touch -d '1 minute ago' "$W/data/pg_wal/archive_status/$(segment 4).ready"
  DEAD="1 2" watch
  [ "$(pushes_to)" = repo1-path ]
  DEAD=1 watch
  [ "$(pushes_to)" = repo2-path ]
  [ "$(gauge hole 1)$(gauge hole 2)" = 11 ]
}

@test "it returns: put back only after the bound, and not when it goes away again in between" {
  sed -i s/RESUME_AFTER_SECONDS=0/RESUME_AFTER_SECONDS=3600/ "$RESTORABLE_BACKUP_ENV"
  waits 4 30
  DEAD=2 watch
  mv "$W/data/pg_wal/archive_status/$(segment 4)."{ready,done}
  watch
  [ "$(pushes_to)" = repo1-path ]
  [ -e "$STATE_DIRECTORY/returned-2" ]
  # What it was asked with is missing there no more.
  [ -e "$W/repo2/$(segment 4)" ]
  DEAD=2 watch
  [ ! -e "$STATE_DIRECTORY/returned-2" ]
  watch
  sed -i 's/^[0-9]* /1000 /' "$STATE_DIRECTORY/returned-2"
  watch
  [[ $output == *"repository 2 takes WAL again: back in archiving"* ]]
  [ "$(pushes_to)" = repo1-pathrepo2-path ]
  [ "$(gauge archiving 2)$(gauge hole 2)" = 11 ]
}

@test "a node that follows has nothing left out; a Postgres that is down changes nothing" {
  waits 4 30
  DEAD=2 watch
  DOWN=y watch
  [ "$(pushes_to)" = repo1-path ]
  RECOVERY=t watch
  [ "$status" -eq 0 ]
  [ "$(pushes_to)" = repo1-pathrepo2-path ]
  [ "$(gauge archiving 2)$(gauge hole 2)" = 10 ]
}

@test "the settings change during an outage: the repository stays out; one that is no more leaves nothing behind" {
  waits 4 30
  DEAD=2 watch
  sed -i s/100MB/200MB/ "$PGBACKREST_DIRECTORY/pgbackrest.conf"
  watch --render
  [ "$(pushes_to)" = repo1-path ]
  grep -qx archive-push-queue-max=200MB "$PGBACKREST_DIRECTORY/archiving/push.conf"
  sed -i 's/^REPOSITORIES=.*/REPOSITORIES=1/' "$RESTORABLE_BACKUP_ENV"
  watch --render
  [ "$(find "$STATE_DIRECTORY" "$PGBACKREST_DIRECTORY/archiving" -name '*2*' | wc -l)" -eq 0 ]
  [ "$(pushes_to)" = repo1-path ]
}

@test "WAL that pgBackRest dropped is a hole in every repository" {
  echo 'total 3' >"$DROPPED_FILE"
  watch
  [ "$(gauge hole 1)$(gauge hole 2)$(gauge archiving 1)" = 111 ]
  rm "$STATE_DIRECTORY"/hole-*
  watch
  [ "$(gauge hole 1)$(gauge hole 2)" = 00 ]
}

# hole NUMBER...: repository 2 was out, and lacks these segments.
hole() {
  mkdir -p "$STATE_DIRECTORY"
  "$SCRIPTS/archiving-watch.sh" --render
  echo "1000 $(segment "$1")" >"$STATE_DIRECTORY/hole-2"
  for number in "$@"; do rm -f "$W/repo2/$(segment "$number")"; done
}

@test "close: no hole, or the repository is still out: nobody is asked" {
  close
  [ "$status" -eq 0 ]
  hole 3
  touch "$STATE_DIRECTORY/suspended-2"
  close
  [ "$status" -eq 0 ]
  [ ! -s "$CALLS" ]
}

@test "close: from pg_wal, and what is no more there from the other repository" {
  hole 2 3
  rm "$W/data/pg_wal/$(segment 2)"
  close
  [ "$status" -eq 0 ]
  [ -e "$W/repo2/$(segment 2)" ]
  [ -e "$W/repo2/$(segment 3)" ]
  [[ $output == *"repository 2 lacks 2 segments, from $(segment 2) on"*"came to repository 2 from repository 1"*"its hole is closed: whole"* ]]
  [ "$(gauge hole 2)" = 0 ]
  [ "$(gauge hole_closed_timestamp_seconds 2)" -gt 1000 ]
  run ! grep -q 'backup$' "$CALLS"
}

@test "close: by a backup, when the WAL is nowhere, or is too much" {
  hole 2
  rm "$W/data/pg_wal/$(segment 2)"
  NOWHERE=1 close
  [ "$status" -eq 0 ]
  grep -q -- '--repo=2 --type=incr --log-level-console=warn backup' "$CALLS"
  [ "$(gauge hole 2)" = 0 ]
  : >"$CALLS"
  echo "full $(segment 1)" >"$W/backups2"
  hole 1 2 3 4
  close
  grep -q -- '--repo=2 --type=incr --log-level-console=warn backup' "$CALLS"
  run ! grep -q 'archive-get' "$CALLS"
  # A backup that was taken after the hole by anybody closes it as well.
  : >"$CALLS"
  hole 1 2 3 4
  close
  [[ $output == *"a backup taken after it is there"* ]]
  run ! grep -q 'backup$' "$CALLS"
}

@test "close: the history of a new timeline comes along" {
  printf '1\t0/4100\tno recovery target specified\n' >"$W/data/pg_wal/00000002.history"
  export TIMELINE=00000002
  touch "$W/repo2/000000020000000000000004"
  hole 3
  close
  [ "$status" -eq 0 ]
  [ -e "$W/repo2/00000002.history" ]
  [ "$(gauge hole 2)" = 0 ]
}

@test "close: not proven stays open: check, no answer, a standby, taken out again meanwhile" {
  hole 3
  CHECK_FAILS=y close
  [ "$status" -eq 1 ]
  DEAD=2 close
  [ "$status" -eq 1 ]
  RECOVERY=t close
  [ "$status" -eq 0 ]
  [ -e "$STATE_DIRECTORY/hole-2" ]
  MONITOR=down NOWHERE=1 FILL_SEGMENTS=0
  export MONITOR NOWHERE
  rm "$W/data/pg_wal/$(segment 3)"
  close
  [ "$status" -eq 3 ]
  [ -e "$STATE_DIRECTORY/hole-2" ]
  run ! grep -q 'backup$' "$CALLS"
}

@test "--help, and wrong use" {
  for script in archiving-watch archiving-close; do
    run "$SCRIPTS/$script.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == Usage:* ]]
    run "$SCRIPTS/$script.sh" now
    [ "$status" -eq 2 ]
  done
}
