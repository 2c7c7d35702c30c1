#!/usr/bin/env bats
# What a data node does around a failover: after-failover.sh on the new primary, push-ready.sh on the old one.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  export W="$BATS_TEST_TMPDIR"
  export METRICS_DIRECTORY="$W/metrics" STATE_DIRECTORY="$W/state" TIMELINE=00000002
  mkdir -p "$METRICS_DIRECTORY" "$W/data/pg_wal/archive_status" "$W/repo1" "$W/repo2"
  # Segments of 4 KiB: timeline 2 begins in the third one.
  printf '1\t0/3100\tno recovery target specified\n' >"$W/data/pg_wal/00000002.history"
  touch "$W/repo1/00000002.history" "$W/repo2/00000002.history"
  for number in 1 2; do
    wal "$number" >"$W/data/pg_wal/00000001000000000000000$number"
    echo "full 000000010000000000000001" >"$W/backups$number"
    touch "$W/repo$number/000000010000000000000001" "$W/repo$number/000000010000000000000002"
  done

  stub psql <<'STUB'
echo "psql $*" >>"$CALLS"
case "$*" in
  *wal_segment_size*) [[ -z ${DOWN:-} ]] || exit 2; echo "$RECOVERY 4096 77$([[ $RECOVERY == t ]] || echo " $TIMELINE")" ;;
  *pg_is_in_recovery*) echo "$RECOVERY" ;;
esac
STUB
  # Repositories are folders; UNREACHABLE names those that give no answer.
  stub pgbackrest <<'STUB'
echo "pgbackrest $*" >>"$CALLS"
repo=$(sed -n 's/.*--repo=\([0-9]*\).*/\1/p;s/.*--config=[^ ]*repo\([0-9]*\)[.]conf .*/\1/p' <<<"$*")
[[ -z $repo || " ${UNREACHABLE:-} " != *" $repo "* ]] || exit 49
case "$*" in
  *" info")
    jq -Rn --argjson repo "$repo" '[inputs | split(" ") | {type: .[0], archive: {start: .[1]}, database: {"repo-key": $repo}}] as $all
      | [{db: [{id: 1, "repo-key": $repo, version: "17"}], backup: $all}]' <"$W/backups$repo" ;;
  *" repo-ls archive/main/17-1") ls "$W/repo$repo" ;;
  *" repo-ls archive/main/17-1/"*) ls "$W/repo$repo" | grep "^$(basename "${!#}")" | sed 's/$/-0a1b.zst/' || true ;;
  *archive-get*) [[ -z ${NOWHERE:-} && -e $W/repo$repo/${*: -2:1} ]] && touch "${!#}" ;;
  *archive-push*)
    [[ -n $repo || -z ${UNREACHABLE:-} ]] || exit 1
    touch "$W/repo${repo:-1}/$(basename "${!#}")" ;;
  *" backup") echo "diff 0000000200000000000F0000" >>"$W/backups$repo" ;;
  *" check") [[ -z ${CHECK_FAILS:-} ]] ;;
esac
STUB
}

# wal NUMBER [ADDRESS]: a file of one page, whose header says where it belongs.
wal() {
  local address=${2:-$(($1 * 4096))}
  printf '\x10\xd1\x02\x00\x01\x00\x00\x00'
  # shellcheck disable=SC2059
  printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((address & 255)) $((address >> 8 & 255)) $((address >> 16 & 255)) $((address >> 24)))"
  head -c 4084 /dev/zero
}

job() { run --separate-stderr "$SCRIPTS/after-failover.sh"; }
gauge() { awk -v name="restorable_archive_$1" '$1 == name { print $2 }' "$METRICS_DIRECTORY/restorable_archive.prom"; }

@test "names and numbers of segments" {
  # shellcheck source=scripts/node/wal.sh
  . "$SCRIPTS/wal.sh"
  SEGMENT_BYTES=16777216
  [ "$(segment_name 2 256)" = 000000020000000100000000 ]
  [ "$(segment_number 000000020000000100000000)" = 256 ]
  [ "$(lsn_segment 1/3000100)" = 259 ]
  [ "$(lsn_segment 0/3000000)" = 3 ]
  [ "$(printf '1\t0/3000100\twhy\n2\t0/5000000\twhy\n' | ancestors)" = "1 1 3
2 3 5" ]
  SEGMENT_BYTES=67108864
  [ "$(segment_name 1 64)" = 000000010000000100000000 ]
}

@test "nothing is missing: checked, written down, and the next minute asks nobody" {
  job
  [ "$status" -eq 0 ]
  [ "$(gauge gap)" = 0 ]
  [ "$(gauge checked_timeline)" = 2 ]
  [ "$(gauge gap_closed_timestamp_seconds)" -gt 1000 ]
  grep -q 'pg_switch_wal' "$CALLS"
  grep -q 'pgbackrest .*check$' "$CALLS"
  run ! grep -qE 'archive-push|backup$' "$CALLS"
  : >"$CALLS"
  job
  [ "$status" -eq 0 ]
  run ! grep -qE 'pgbackrest|switch' "$CALLS"
}

@test "a segment that is missing in one repository is pushed from here, and that is said" {
  rm "$W/repo2/000000010000000000000002"
  job
  [ "$status" -eq 0 ]
  [ -e "$W/repo2/000000010000000000000002" ]
  [[ $stderr == *"repository 2 lacked 1 segments of timeline 1, from 000000010000000000000002 on"* ]]
  [ "$(gauge gap)" = 0 ]
  run ! grep -q 'backup$' "$CALLS"
}

@test "a segment that this node has no more comes from the other repository" {
  rm "$W/repo1/000000010000000000000001" "$W/data/pg_wal/000000010000000000000001"
  job
  [ "$status" -eq 0 ]
  [ -e "$W/repo1/000000010000000000000001" ]
  [[ $output == *"000000010000000000000001 came to repository 1 from repository 2"* ]]
  run ! grep -q 'backup$' "$CALLS"
  [ "$(gauge gap)" = 0 ]
}

@test "a repository that is out of archiving is left to the job that closes its hole" {
  mkdir "$STATE_DIRECTORY"
  echo 1000 >"$STATE_DIRECTORY/suspended-2"
  UNREACHABLE=2 job
  [ "$status" -eq 0 ]
  [[ $output == *"repository 2: left to the job that closes its hole"*"without a hole in repository 1"* ]]
  [ "$(gauge gap)" = 0 ]
}

@test "a hole that cannot be closed: a backup into that repository, at once, and said" {
  rm "$W/repo1/000000010000000000000001" "$W/data/pg_wal/000000010000000000000001"
  NOWHERE=y job
  [ "$status" -eq 0 ]
  [[ $stderr == *"repository 1: a hole in timeline 1 at 000000010000000000000001 cannot be closed: taking a backup now"* ]]
  grep -q 'pgbackrest --stanza=main --repo=1 --type=diff backup' "$CALLS"
  run ! grep -q -- '--repo=2 --type=diff backup' "$CALLS"
  [ "$(gauge gap)" = 0 ]
}

@test "a recycled file under the segment's name is not pushed" {
  rm "$W/repo1/000000010000000000000002"
  wal 2 $((9 * 4096)) >"$W/data/pg_wal/000000010000000000000002"
  NOWHERE=y job
  run ! grep -q 'archive-push' "$CALLS"
  grep -q -- '--repo=1 --type=diff backup' "$CALLS"
}

@test "could not verify is not proven: no answer, check fails, role undecided" {
  UNREACHABLE=2 job
  [ "$status" -eq 1 ]
  [ "$(gauge gap)" = 1 ]
  [ "$(gauge checked_timeline)" = 0 ]
  [ ! -e "$STATE_DIRECTORY/archive-proven" ]
  CHECK_FAILS=y job
  [ "$status" -eq 1 ]
  [ "$(gauge gap)" = 1 ]
  MONITOR=down job
  [ "$status" -eq 3 ]
  # Once only, however often it is tried.
  [ "$(grep -c 'SELECT pg_switch_wal' "$CALLS")" -eq 1 ]
  job
  [ "$status" -eq 0 ]
  [ "$(gauge gap)" = 0 ]
}

@test "only from the newest full backup before the switch on: older WAL may have expired" {
  rm "$W/repo1/000000010000000000000001" "$W/data/pg_wal/000000010000000000000001"
  echo "full 000000010000000000000002" >>"$W/backups1"
  job
  [ "$status" -eq 0 ]
  [[ $output == *"repository 1: timeline 1 is whole from 000000010000000000000002 to its end"* ]]
  run ! grep -q 'backup$' "$CALLS"
}

@test "a standby, a first timeline, and a Postgres that is down" {
  RECOVERY=t CURRENT=secondary ASSIGNED=secondary job
  [ "$status" -eq 0 ]
  [ "$(gauge gap)" = 0 ]
  [ "$(gauge checked_timeline)" = 0 ]
  TIMELINE=00000001 job
  [ "$status" -eq 0 ]
  [ "$(gauge checked_timeline)" = 1 ]
  DOWN=y job
  [ "$status" -eq 0 ]
  run ! grep -q pgbackrest "$CALLS"
}

@test "what was proven of another cluster counts for nothing" {
  mkdir "$STATE_DIRECTORY"
  echo '99 2 1000' >"$STATE_DIRECTORY/archive-proven"
  job
  grep -q 'repo-ls' "$CALLS"
}

@test "push-ready: what is ready is pushed before the start, and never holds it up" {
  touch "$W/data/pg_wal/archive_status/"{000000010000000000000001.ready,000000010000000000000002.done,00000009.history.ready}
  run --separate-stderr "$SCRIPTS/push-ready.sh"
  [ "$status" -eq 0 ]
  [ "$(grep -c 'archive-push' "$CALLS")" -eq 1 ]
  grep -q 'archive-push .*/pg_wal/000000010000000000000001$' "$CALLS"
  UNREACHABLE=1 run --separate-stderr "$SCRIPTS/push-ready.sh"
  [ "$status" -eq 0 ]
  [[ $stderr == *"000000010000000000000001 could not be pushed before the start"* ]]
  stub pgbackrest <<<'sleep 60'
  SECONDS=0
  LIMIT_SECONDS=1 run --separate-stderr "$SCRIPTS/push-ready.sh"
  [ "$status" -eq 0 ]
  [ "$SECONDS" -lt 20 ]
  RESTORABLE_BACKUP_ENV=/nowhere run "$SCRIPTS/push-ready.sh"
  [ "$status" -eq 0 ]
}

@test "--help" {
  for script in after-failover push-ready; do
    run "$SCRIPTS/$script.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == Usage:* ]]
    run "$SCRIPTS/$script.sh" now
    [ "$status" -eq 2 ]
  done
}
