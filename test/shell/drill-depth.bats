#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# Beyond a restore that works: what the closer look, the row counts, the inventory and a point in time make of it.

load drill_helper

setup() { drill_setup; }

drill() { run "$DRILL" --config "$CONFIG" "$@"; }

# $1 outcome, $2 reason, $3 "pitr" for a run to a point in time
ended() {
  local base="veza_backup_drill${3:+_pitr}"
  local series="$METRICS/${base}_main_repo1.prom"
  case "$1" in
    pass) [ "$status" -eq 0 ] && [ "$(value "${base}_last_success{stanza=\"main\",repo=\"1\",reason=\"none\"}" "$series")" = 1 ] ;;
    fail) [ "$status" -eq 1 ] && [ "$(value "${base}_last_success{stanza=\"main\",repo=\"1\",reason=\"$2\"}" "$series")" = 0 ] ;;
    unverified) [ "$status" -eq 2 ] && [ "$(value "${base}_unverified_info{stanza=\"main\",repo=\"1\",reason=\"$2\"}" "$series")" = 1 ] ;;
  esac || { echo "$output"; return 1; }
  well_formed "$series"
}

counts() { [ "$(value "veza_backup_drill_$1{stanza=\"main\",repo=\"1\"}")" = "$2" ]; }

@test "a pass says what was looked at, and how long each step took" {
  drill
  ended pass none
  counts compared_tables 2
  counts compared_rows 1020
  counts checked_relations 12
  counts dumped_bytes 4711
  counts checksum_blocks 99
  counts unchanged_objects 7
  [ -n "$(value 'veza_backup_drill_step_duration_seconds{stanza="main",repo="1",step="amcheck"}')" ]
  run ! grep -q reader_refused "$FILE"
}

@test "what a pass measured stands while nothing can be verified, each step's line too" {
  drill
  grep step_duration "$FILE" >"$BATS_TEST_TMPDIR/steps"
  IMAGES=no drill
  ended unverified image_missing
  counts checksum_blocks 99
  [ "$(grep step_duration "$FILE")" = "$(cat "$BATS_TEST_TMPDIR/steps")" ]
}

@test "an index without entries for its rows, a damaged page, a dump that breaks off: failed" {
  AMCHECK=2 AMCHECK_WORDS="btree index \"app.public.users_pkey\":
    ERROR:  heap tuple (0,1) from table \"users\" lacks matching index tuple" drill
  ended fail corrupted_relation
  [[ $output == *"users_pkey"*"lacks matching index tuple"* ]]
  DUMP=1 DUMP_WORDS='pg_dump: error: Dumping the contents of table "users" failed' drill
  ended fail dump_failed
  CHECKSUMS=1 CHECKSUMS_WORDS='pg_checksums: error: checksum verification failed in file "base/5/16390", block 3' drill
  ended fail checksum_failed
  grep -q 'inside.sh stop' "$CALLS"
}

@test "a cluster without checksums, an image without amcheck: could not verify, and a failure found later comes first" {
  CHECKSUMS=1 CHECKSUMS_WORDS="pg_checksums: error: data checksums are not enabled in cluster" drill
  ended unverified checksums_off
  [[ $output == *"drill.depth.checksums: false"* ]]
  AMCHECK=1 AMCHECK_WORDS='pg_amcheck: error: query failed: ERROR:  extension "amcheck" is not available' drill
  ended unverified amcheck_missing
  AMCHECK=1 AMCHECK_WORDS='ERROR:  extension "amcheck" is not available' DUMP=1 drill
  ended fail dump_failed
}

@test "what is switched off is not done, and said" {
  printf 'DEPTH_AMCHECK=0\nDEPTH_DUMP=0\nDEPTH_CHECKSUMS=0\nROWS_COMPARE=0\n' >>"$CONFIG"
  AMCHECK=2 DUMP=1 CHECKSUMS=1 drill
  ended pass none
  [[ $output == *"switched off (DEPTH_CHECKSUMS)"* ]]
  run ! grep -qE 'inside.sh (amcheck|dump|checksums)' "$CALLS"
  run ! grep -qE 'checked_relations|compared_tables' "$FILE"
}

@test "an emptied table fails, and one that is gone; fewer rows within the tolerance do not" {
  printf '1000\tpublic.users\n0\t"Odd".orders\n' >"$COUNTED"
  drill
  ended fail rows_lost
  [[ $output == *'app: table "Odd".orders has 0 rows, it had 20 rows at backup 20261121-143200F, at least 10 are expected'* ]]
  printf '1000\tpublic.users\n' >"$COUNTED"
  drill
  ended fail rows_lost
  [[ $output == *'"Odd".orders is gone'* ]]
  printf '1000\tpublic.users\n10\t"Odd".orders\n' >"$COUNTED"
  drill
  ended pass none
  echo ROWS_TOLERANCE_PERCENT=10 >>"$CONFIG"
  drill
  ended fail rows_lost
}

@test "a table that is meant to be emptied is named, by a pattern" {
  printf '1000\tpublic.users\n' >"$COUNTED"
  echo 'ROWS_IGNORE="app.*.sessions app.*.orders"' >>"$CONFIG"
  drill
  ended pass none
  [[ $output == *"1 ignored"* ]]
}

@test "rows that were estimated have half the floor; a database that is gone had rows" {
  jq -c '.[0].backup[0].annotation.rows = ({rows: {away: {"public.t": 5}}, estimates: {app: {"public.users": 4000}}} | tojson)' "$INFO_ANSWER" >"$BATS_TEST_TMPDIR/i"
  cp "$BATS_TEST_TMPDIR/i" "$INFO_ANSWER"
  drill
  ended fail rows_lost
  [[ $output == *"away: table public.t is gone"* ]]
  echo 'ROWS_IGNORE="away.*"' >>"$CONFIG"
  drill
  ended pass none
  printf '999\tpublic.users\n' >"$COUNTED"
  drill
  ended fail rows_lost
}

@test "a rightly empty database passes" {
  jq -c '.[0].backup[0].annotation.rows = ({rows: {app: {}}, estimates: {}} | tojson)' "$INFO_ANSWER" >"$BATS_TEST_TMPDIR/i"
  cp "$BATS_TEST_TMPDIR/i" "$INFO_ANSWER"
  echo MIN_USERS_EXPECTED=0 >>"$CONFIG"
  : >"$COUNTED"
  ROWS_ANSWER=0 drill
  ended pass none
}

@test "without row counts nothing was compared: could not verify; those of an older backup hold" {
  jq -c '.[0].backup |= [.[0] + {label: "20261120-143200F", timestamp: {start: 1699990000, stop: 1699990003}}, (.[0] | del(.annotation))]' \
    "$INFO_ANSWER" >"$BATS_TEST_TMPDIR/older"
  jq -c 'del(.[0].backup[].annotation)' "$INFO_ANSWER" >"$BATS_TEST_TMPDIR/none"
  cp "$BATS_TEST_TMPDIR/older" "$INFO_ANSWER"
  drill
  ended pass none
  [[ $output == *"against those at 20261120-143200F"* ]]
  cp "$BATS_TEST_TMPDIR/none" "$INFO_ANSWER"
  drill
  ended unverified no_row_counts
  drill --target-time "2023-11-15"
  ended pass none pitr
}

@test "what no backup or expiry of the formation does to the repository: failed" {
  for change in \
    'del(."backup/main/20261121-143200F/bundle/1")' \
    '."backup/main/20261121-143200F/bundle/1".size = 8' \
    '."archive/main/17-1/0000000100000000/000000010000000000000008-aa.zst".time = 1700000999' \
    'del(."archive/main/17-1/0000000100000000/000000010000000000000016-aa.zst")' \
    'del(."backup/main/backup.info.copy")'; do
    objects >"$LISTED"
    afterwards "$change"
    drill
    ended fail repository_changed
  done
}

@test "what a backup or an expiry of the formation does: could not verify; another stanza's objects do not count" {
  for change in \
    '."backup/main/backup.info".time = 1700009999' \
    'del(."archive/main/17-1/0000000100000000/000000010000000000000001-aa.zst")'; do
    objects >"$LISTED"
    afterwards "$change"
    drill
    ended unverified repository_busy
  done
  objects >"$LISTED"
  afterwards '."backup/other/backup.info".time = 99 | ."archive/main/17-1/0000000100000000/000000010000000000000017-aa.zst" = {type: "file", size: 1, time: 2}'
  drill
  ended pass none
}

@test "WAL on the copy's own timeline: the copy has archived, unless the history is another's" {
  afterwards '."archive/main/17-1/0000000200000000/000000020000000000000017-aa.zst" = {type: "file", size: 1, time: 2}'
  cp "$LISTED" "$BATS_TEST_TMPDIR/first"
  OWN_HISTORY=0 drill
  ended fail copy_archived
  cp "$BATS_TEST_TMPDIR/first" "$LISTED"
  OWN_HISTORY=1 drill
  ended pass none
}

@test "a reader's key: refused is a pass, and proves more than inventories" {
  echo READ_ONLY_REPOSITORIES=1 >>"$CONFIG"
  afterwards '."backup/main/backup.info".time = 1700009999'
  drill
  ended pass none
  counts reader_refused 1
  grep -q 'request.sh DELETE restorable-drill-probe/' "$CALLS"
  run ! grep -q cipher-pass "$CALLS"
}

@test "a reader's key that can write or delete: failed; its probe is taken away again" {
  echo READ_ONLY_REPOSITORIES=1 >>"$CONFIG"
  PUT_ANSWER="200 " drill
  ended fail reader_can_write
  [ "$(grep -c 'request.sh DELETE restorable-drill-probe/' "$CALLS")" = 2 ]
  DELETE_ANSWER="204 " drill
  ended fail reader_can_write
}

@test "a refusal that could have another cause is none: could not verify" {
  echo READ_ONLY_REPOSITORIES=1 >>"$CONFIG"
  for answer in "403 SignatureDoesNotMatch" "403 InvalidAccessKeyId" "000 " "503 SlowDown" "403 "; do
    PUT_ANSWER="$answer" drill
    ended unverified reader_unproven
  done
  GET_ANSWER="403 SignatureDoesNotMatch" drill
  ended unverified reader_unproven
}

@test "a random moment lies between the oldest backup and the newest WAL, and is drilled as one" {
  drill --target-time random
  ended pass none pitr
  local pitr="$METRICS/veza_backup_drill_pitr_main_repo1.prom" at
  at="$(value 'veza_backup_drill_pitr_target_timestamp_seconds{stanza="main",repo="1"}' "$pitr")"
  [ "$at" -gt 1700000003 ]
  [ "$at" -le $((1700009000 - 180)) ]
  [ ! -e "$FILE" ]
  grep -q "inside.sh restore $(date -u -d "@$at" '+%F %T+00')" "$CALLS"
}

@test "WAL that is kept for fewer full backups narrows the window; without a moment in it nothing is verified" {
  jq -c '.[0].backup |= [.[0] + {label: "20261120-143200F", timestamp: {start: 1, stop: 2}}, .[0]]' "$INFO_ANSWER" >"$BATS_TEST_TMPDIR/i"
  cp "$BATS_TEST_TMPDIR/i" "$INFO_ANSWER"
  echo repo1-retention-archive=1 >>"$BATS_TEST_TMPDIR/conf/pgbackrest.repo1.conf"
  drill --target-time random
  ended pass none pitr
  [[ $output == *"window from 2023-11-14 22:13:24+00"* ]]
  echo TARGET_MARGIN_SECONDS=9000 >>"$CONFIG"
  drill --target-time random
  ended unverified window_empty pitr
}

@test "the heartbeat of the moment: missing, from later, or a formation that was silent" {
  local at=1700000500 when="2023-11-14 22:21:40"
  MOMENT="$((at - 180)) 0" drill --target-time "$when"
  ended pass none pitr
  MOMENT="$((at - 181)) 0" COMMIT_ANSWER=$at drill --target-time "$when"
  ended fail heartbeat_missing pitr
  MOMENT="$((at - 5)) 2" drill --target-time "$when"
  ended fail beyond_target pitr
  MOMENT="$((at - 9000)) 0" COMMIT_ANSWER=$((at - 8990)) drill --target-time "$when"
  ended unverified heartbeat_gap pitr
  MOMENT="" drill --target-time "$when"
  ended unverified no_heartbeat pitr
}

@test "a time limit in the closer look is no failure of the backup" {
  cat >>"$CONFIG" <<<'TIME_LIMIT_SECONDS=10'
  sed -i 's/\*"inside.sh amcheck"\*)/&\n        sleep 60/' "$STUBS/incus"
  drill
  ended unverified time_limit
}
