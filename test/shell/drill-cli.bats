#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The drill from its command line, against a stand-in for Incus.

load drill_helper

setup() { drill_setup; }

@test "--help names every option and the exit codes" {
  run "$DRILL" --help
  [ "$status" -eq 0 ]
  for option in --repo --keep --target-time --repo-target-time --json --config "Exit codes"; do [[ $output == *"$option"* ]]; done
}

@test "a usage error ends with 2 and writes nothing" {
  for args in --nonsense "--repo 0" "--repo x" "--target-time nonsense" "--target-time 2999-01-01" --repo \
    "--repo-target-time 2026-01-01" "--repo 1 --repo-target-time nonsense" "--repo 1 --repo-target-time 2999-01-01"; do
    # shellcheck disable=SC2086 # words on purpose
    run "$DRILL" --config "$CONFIG" $args
    [ "$status" -eq 2 ]
  done
  run "$DRILL" --config "$BATS_TEST_TMPDIR/nothing"
  [ "$status" -eq 2 ]
  [ -z "$(ls "$METRICS")" ]
  [ ! -s "$CALLS" ]
}

@test "a setting that is missing or no number is named" {
  sed -i '/^STANZA/d' "$CONFIG"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [[ $output == *STANZA* ]]
  printf 'STANZA=main\nTIME_LIMIT_SECONDS=1h\n' >>"$CONFIG"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [[ $output == *TIME_LIMIT_SECONDS* ]]
}

@test "a passing drill: exit 0, every series, container gone, guards in place" {
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 0 ]
  [[ $output == *"PASS in"* ]]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="none"}')" = 1 ]
  [ "$(value 'veza_backup_drill_outcome{stanza="main",repo="1",outcome="pass"}')" = 1 ]
  [ "$(value 'veza_backup_drill_outcome{stanza="main",repo="1",outcome="fail"}')" = 0 ]
  [ "$(value 'veza_backup_drill_smoke_rows{stanza="main",repo="1"}')" = 1000 ]
  grep -qF 'database="it\"s\\all"} ' "$FILE"
  for database in app postgres; do
    [ "$(value "veza_backup_drill_database_last_success_timestamp_seconds{stanza=\"main\",repo=\"1\",database=\"$database\"}")" = \
      "$(value 'veza_backup_drill_last_success_timestamp_seconds{stanza="main",repo="1"}')" ]
  done
  for name in last_run_timestamp_seconds last_success_timestamp_seconds duration_seconds \
    restore_duration_seconds rpo_seconds; do
    [ -n "$(value "veza_backup_drill_$name{stanza=\"main\",repo=\"1\"}")" ]
  done
  well_formed "$FILE"
  [ "$(stat -c %a "$FILE")" = 644 ]
  [ "$(value 'veza_backup_drill_kept_containers{stanza="main"}' "$METRICS/veza_backup_drill_kept_containers.prom")" = 0 ]
  [ ! -s "$THERE" ]
  grep -q 'launch restorable-pg17 pg-restore-drill .*--ephemeral' "$CALLS"
  grep -q 'file push --uid 101 --gid 103 --mode 0600 .*secrets.repo1.conf' "$CALLS"
  run ! grep -q cipher-pass "$CALLS"
  grep -q 'archive-mode=off' "$PARTS/inside.sh"
  grep -q 'archive_mode=off archive_command=/bin/false' "$PARTS/inside.sh"
}

@test "--json prints one object on stdout, progress on stderr" {
  "$DRILL" --config "$CONFIG" --json >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
  [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
  jq -e '.outcome == "pass" and .reason == "none" and .repo == 1 and .smokeRows == 1000 and (.steps | length) > 8' "$BATS_TEST_TMPDIR/out"
  grep -q 'ok   restore' "$BATS_TEST_TMPDIR/err"
}

@test "0 rows, rows below the floor, and a rightly empty table" {
  ROWS_ANSWER=0 run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="empty_table"}')" = 0 ]
  ROWS_ANSWER=999 run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="below_floor"}')" = 0 ]
  echo MIN_USERS_EXPECTED=0 >>"$CONFIG"
  ROWS_ANSWER=0 run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 0 ]
}

@test "a restore that ends before the newest archived segment fails" {
  END=0/D000000 run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [[ $output == *"segment 00000001000000000000000D is missing"* ]]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="wal_missing"}')" = 0 ]
}

@test "a store that answers without a backup fails" {
  info_status 1 "missing stanza path" >"$INFO_ANSWER"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="no_backup"}')" = 0 ]
}

@test "a badly decrypted file in the message does not hide the wrong passphrase" {
  info_status 99 "$(printf "[FormatError] unable to load info file '/p/backup.info':\\\\nFormatError: line 1: \r\x01\xff\xfe")" >"$INFO_ANSWER"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="wrong_cipher"}')" = 0 ]
}

@test "could not verify: exit 2, the last verdict's values and timestamps stand" {
  "$DRILL" --config "$CONFIG"
  sed -i 's/^\(veza_backup_drill_\(database_\)*last[a-z_]*timestamp_seconds{.*}\) .*/\1 1000/' "$FILE"
  IMAGES=no run "$DRILL" --config "$CONFIG"
  [ "$(value 'veza_backup_drill_database_last_success_timestamp_seconds{stanza="main",repo="1",database="app"}')" = 1000 ]
  [ "$status" -eq 2 ]
  for name in last_run last_success; do
    [ "$(value "veza_backup_drill_${name}_timestamp_seconds{stanza=\"main\",repo=\"1\"}")" = 1000 ]
  done
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="none"}')" = 1 ]
  [ "$(value 'veza_backup_drill_outcome{stanza="main",repo="1",outcome="unverified"}')" = 1 ]
  [ "$(value 'veza_backup_drill_outcome{stanza="main",repo="1",outcome="pass"}')" = 0 ]
  [ "$(value 'veza_backup_drill_unverified_info{stanza="main",repo="1",reason="image_missing"}')" = 1 ]
  [ "$(value 'veza_backup_drill_smoke_rows{stanza="main",repo="1"}')" = 1000 ]
  [ "$(value 'veza_backup_drill_last_attempt_timestamp_seconds{stanza="main",repo="1"}')" -gt 1000 ]
  well_formed "$FILE"
}

@test "could not verify without a verdict before: no timestamps at all" {
  info_status 99 "[HostConnectError] unable to connect to '192.0.2.1:9000': [111] Connection refused" >"$INFO_ANSWER"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  run ! grep -qE '_(run|success)_timestamp|last_success\{' "$FILE"
  [ "$(value 'veza_backup_drill_unverified_info{stanza="main",repo="1",reason="store_unreachable"}')" = 1 ]
  well_formed "$FILE"
}

@test "a failure keeps the time of the last success and not its measurements" {
  "$DRILL" --config "$CONFIG"
  sed -i 's/^\(veza_backup_drill_last_[a-z_]*timestamp_seconds{.*}\) .*/\1 1000/' "$FILE"
  info_status 2 "no valid backups" >"$INFO_ANSWER"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [ "$(value 'veza_backup_drill_last_success_timestamp_seconds{stanza="main",repo="1"}')" = 1000 ]
  [ "$(value 'veza_backup_drill_last_run_timestamp_seconds{stanza="main",repo="1"}')" -gt 1000 ]
  run ! grep -q '^veza_backup_drill_smoke_rows' "$FILE"
}

@test "a disk that is too small is found before the restore" {
  FREE=1000000 run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [ "$(value 'veza_backup_drill_unverified_info{stanza="main",repo="1",reason="disk_too_small"}')" = 1 ]
  run ! grep -q 'inside.sh restore' "$CALLS"
}

@test "without incus: exit 2, outcome unverified" {
  rm "$STUBS/incus"
  for tool in bash dirname readlink mkdir flock cat chmod mv rm mktemp date sleep awk grep jq sed tr cut head comm shuf paste; do
    ln -s "$(command -v "$tool")" "$STUBS/$tool"
  done
  PATH="$STUBS" run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [ "$(value 'veza_backup_drill_unverified_info{stanza="main",repo="1",reason="incus_missing"}')" = 1 ]
}

@test "a configuration with another repository in it is refused" {
  echo 'repo2-type=s3' >>"$BATS_TEST_TMPDIR/conf/pgbackrest.repo1.conf"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [[ $output == *config_invalid* ]]
}

@test "a second drill says so, ends with 2 and writes nothing" {
  exec 8>"$BATS_TEST_TMPDIR/lock"
  flock 8
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [[ $output == *"another drill is running"* ]]
  [ -z "$(ls "$METRICS")" ]
}

@test "a leftover is removed, one that was to be kept gets its kept name" {
  echo pg-restore-drill >"$THERE"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 0 ]
  [[ $output == *"removed pg-restore-drill of an earlier run"* ]]
  echo pg-restore-drill >"$THERE"
  : >"$CALLS"
  KEEP_MARK=y run "$DRILL" --config "$CONFIG"
  grep -qE 'rename pg-restore-drill pg-restore-drill-kept-[0-9]{8}t[0-9]{6}z' "$CALLS"
}

@test "--keep stops and renames, and counts it" {
  run "$DRILL" --config "$CONFIG" --keep
  [ "$status" -eq 0 ]
  grep -qE '^pg-restore-drill-kept-[0-9]{8}t[0-9]{6}z$' "$THERE"
  run ! grep -q -- --ephemeral "$CALLS"
  [ "$(value 'veza_backup_drill_kept_containers{stanza="main"}' "$METRICS/veza_backup_drill_kept_containers.prom")" = 1 ]
}

@test "a run with a target time writes only its own series" {
  run "$DRILL" --config "$CONFIG" --target-time "2024-01-01 12:00:00"
  [ "$status" -eq 0 ]
  [ ! -e "$FILE" ]
  local pitr="$METRICS/veza_backup_drill_pitr_main_repo1.prom"
  [ "$(value 'veza_backup_drill_pitr_last_success{stanza="main",repo="1",reason="none"}' "$pitr")" = 1 ]
  well_formed "$pitr"
  grep -q 'inside.sh restore 2024-01-01 12:00:00+00' "$CALLS"
  run "$DRILL" --config "$CONFIG" --target-time "2023-01-01"
  [ "$status" -eq 1 ]
  [[ $output == *target_not_reached* ]]
}

@test "a signal in the middle of the restore: container gone, outcome unverified, exit 2" {
  RESTORE_TAKES=20 "$DRILL" --config "$CONFIG" >"$BATS_TEST_TMPDIR/out" 2>&1 &
  local pid=$! code=0
  for _ in $(seq 100); do grep -q 'inside.sh restore' "$CALLS" && break; sleep 0.1; done
  kill -TERM "$pid"
  wait "$pid" || code=$?
  [ "$code" -eq 2 ]
  grep -q 'interrupted: ended by a signal' "$BATS_TEST_TMPDIR/out"
  [ ! -s "$THERE" ]
  [ "$(value 'veza_backup_drill_unverified_info{stanza="main",repo="1",reason="interrupted"}')" = 1 ]
}

@test "the time limit in the middle of the restore is a failure" {
  echo TIME_LIMIT_SECONDS=5 >>"$CONFIG"
  RESTORE_TAKES=60 run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 1 ]
  [ "$(value 'veza_backup_drill_last_success{stanza="main",repo="1",reason="time_limit"}')" = 0 ]
  [ ! -s "$THERE" ]
}

@test "metrics that cannot be written turn a pass into 2" {
  rm -rf "$METRICS"
  : >"$METRICS"
  run "$DRILL" --config "$CONFIG"
  [ "$status" -eq 2 ]
  [[ $output == *"cannot be written"* ]]
}
