#!/usr/bin/env bats
# The encrypted copy of a dump, with a folder in the store's place.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  load export_helper
  export_setup
  load dump_helper
  dump_setup
  cat >>"$RESTORABLE_DUMP_ENV" <<ENV
EXPORTS_ROOT=exports:bucket/dumps/docker-1/postgres
RCLONE_FILE=$RCLONE_CONF
RECIPIENTS_FILE=$BATS_TEST_TMPDIR/recipients
ENV
  COPIED="$BUCKET/dumps/docker-1/postgres"
}

copies() { (cd "$COPIED" 2>/dev/null && find . -type f -printf '%P\n' | LC_ALL=C sort | paste -sd' '); }
old_copy() {
  mkdir -p "$COPIED"
  for kind in dump.age dump.age.sha256; do echo old >"$COPIED/$1.$kind"; done
}

@test "what is decrypted is what was dumped; sealed, and in the figures" {
  run_backup
  [ "$status" -eq 0 ]
  dump=$(cd "$COPIED" && ls -- *.dump.age)
  [ "$(copies)" = "$dump $dump.sha256" ]
  stub_decrypt <"$COPIED/$dump" | cmp - "$FOLDER/backup_$TODAY.sql.gz"
  (cd "$COPIED" && sha256sum --check --strict "$dump.sha256")
  [ "$(series upload_last_success_timestamp_seconds postgres)" -gt 1700000000 ]
  ! grep -q SECRET "$CALLS"
}

@test "a store that is down, or gives back something else: no seal, the dump itself counts, older copies stay" {
  old_copy 20250101T040000Z
  for wrong in STORE_DOWN=1 DAMAGE=truncate DAMAGE=alter; do
    run --separate-stderr env "$wrong" "$DUMP/backup.sh"
    [ "$status" -eq 1 ]
    [[ $stderr == *"is good, but did not get into the off-site bucket"* ]]
    [ "$(cd "$COPIED" && ls -- *.sha256)" = 20250101T040000Z.dump.age.sha256 ]
    [ "$(dumps)" = "backup_$TODAY.sql.gz" ]
    [ "$(series failed postgres)" = 1 ]
    [ "$(series last_success_timestamp_seconds postgres)" -gt 1700000000 ]
    [ "$(series upload_last_success_timestamp_seconds postgres)" = 0 ]
  done
}

@test "ended in the middle of the copy: that is no good run" {
  stub age <<'STUB'
echo $$ >"$STATE/begun"
exec sleep 30
STUB
  end_when_begun
  [ "$status" -ne 0 ]
  [ "$(series failed postgres)" = 1 ]
  [ "$(series last_success_timestamp_seconds postgres)" -gt 1700000000 ]
  [ "$(series upload_last_success_timestamp_seconds postgres)" = 0 ]
}

@test "older copies are hidden after a good one, those within the days stay" {
  old_copy 20250101T040000Z
  kept=$(date -u -d '-2 days' +%Y%m%dT%H%M%SZ)
  old_copy "$kept"
  run_backup
  [ "$status" -eq 0 ]
  [[ $(copies) != *20250101* ]]
  [[ $(copies) == *"$kept.dump.age $kept.dump.age.sha256"* ]]
  [ "$(copies | wc -w)" = 4 ]
}

@test "--check looks whether the bucket answers, and puts nothing there" {
  run_backup --check
  [ "$status" -eq 0 ]
  [ -z "$(copies)" ]
  STORE_DOWN=1 run_backup --check
  [ "$status" -eq 1 ]
  [[ $stderr == *"the off-site bucket does not answer"* ]]
}
