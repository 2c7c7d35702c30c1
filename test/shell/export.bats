#!/usr/bin/env bats
# The exports of a data node, with a folder in the store's place.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  load export_helper
  export_setup
}

@test "on the primary: each database and the roles, sealed, and what is decrypted is what was dumped" {
  run_export
  [ "$status" -eq 0 ]
  [ "$(exported)" = "@globals app postgres" ]
  stamp=$(newest app)
  [ "$(stub_decrypt <"$BUCKET/exports/app/$stamp.dump.age")" = "dump of app in snapshot 00000004-1" ]
  [ "$(stub_decrypt <"$BUCKET/exports/app/$stamp.counts.age")" = $'public.users\t1000' ]
  [ "$(stub_decrypt <"$BUCKET/exports/@globals/$(newest @globals).counts.age")" = $'database\tapp\ndatabase\tpostgres\nroles\t3' ]
  (cd "$BUCKET/exports/app" && sha256sum --check --strict "$stamp.dump.age.sha256")
  grep -qx "# bytes $(stat -c %s "$BUCKET/exports/app/$stamp.dump.age")" "$BUCKET/exports/app/$stamp.dump.age.sha256"
  well_formed "$METRICS_FILE"
  [ "$(series failed app)" = 0 ]
  [ "$(series size_bytes app)" = "$(stat -c %s "$BUCKET/exports/app/$stamp.dump.age")" ]
  [ "$(series last_success_timestamp_seconds @globals)" -gt 1700000000 ]
}

@test "no key and no content is in an argument, or readable by others" {
  run_export
  [ "$status" -eq 0 ]
  ! grep -q -e SECRET "$CALLS"
  [ "$(stat -c %a "$RCLONE_CONF")" = 600 ]
}

@test "on a standby one line, and the series of an earlier primary go" {
  mkdir -p "$METRICS"
  echo 'restorable_export_failed{database="app"} 1' >"$METRICS_FILE"
  RECOVERY=t CURRENT=secondary ASSIGNED=secondary run_export
  [ "$status" -eq 0 ]
  [ "$output" = "standby: the primary makes the exports" ]
  [ ! -e "$METRICS_FILE" ]
  [ -z "$(exported)" ]
}

@test "a dump that breaks off never becomes an object, and the others are exported" {
  FAILING_DUMP=app run_export
  [ "$status" -eq 1 ]
  [ "$(exported)" = "@globals postgres" ]
  [ -z "$(ls "$BUCKET/exports/app" 2>/dev/null)" ]
  [ "$(series failed app)" = 1 ]
  [ "$(series last_success_timestamp_seconds app)" = 0 ]
  [ "$(series failed postgres)" = 0 ]
  [[ $stderr == *"failed: app;"* ]]
}

@test "a database that cannot be read is a failure, without an object" {
  FAILING_SESSION=app run_export
  [ "$status" -eq 1 ]
  [ -z "$(ls "$BUCKET/exports/app" 2>/dev/null)" ]
  [ "$(series failed app)" = 1 ]
}

@test "encryption that fails leaves nothing in the store" {
  FAILING_AGE=1 run_export
  [ "$status" -eq 1 ]
  [ -z "$(find "$BUCKET" -type f)" ]
}

@test "what arrives truncated, or altered at the same size, is found and never sealed; the older one stays" {
  for damage in truncate alter; do
    old_export app 20260101T000000Z
    DAMAGE=$damage run_export app
    [ "$status" -eq 1 ]
    [[ $stderr == *"app/"*"at the destination"* ]]
    [ "$(ls "$BUCKET"/exports/app/*.sha256)" = "$BUCKET/exports/app/20260101T000000Z.dump.age.sha256" ]
    [ "$(series failed app)" = 1 ]
  done
}

@test "a store that is down keeps the last figures and says so" {
  run_export app
  [ "$status" -eq 0 ]
  before=$(grep last_success "$METRICS_FILE" | grep -v '#')
  STORE_DOWN=1 run_export app
  [ "$status" -eq 1 ]
  [ "$(series failed app)" = 1 ]
  [ "$(grep last_success "$METRICS_FILE" | grep -v '#')" = "$before" ]
}

@test "after a good export older ones than the retention are hidden; what is younger stays" {
  old_export app 20260101T000000Z
  old_export app "$(date -u -d '-10 days' +%Y%m%dT%H%M%SZ)"
  old_export gone 20260101T000000Z
  run_export
  [ "$status" -eq 0 ]
  [ ! -e "$BUCKET/exports/app/20260101T000000Z.dump.age" ]
  [ ! -e "$BUCKET/exports/app/20260101T000000Z.dump.age.sha256" ]
  [ "$(ls "$BUCKET"/exports/app/*.sha256 | wc -l)" = 2 ]
  # A database that is no more: its newest export is the only one, and stays.
  [ -e "$BUCKET/exports/gone/20260101T000000Z.dump.age" ]
  # The seal goes first: what is left is never taken for whole.
  [ "$(grep -m1 'rclone.*deletefile' "$CALLS" | grep -o '[^ ]*$')" = "exports:bucket/exports/app/20260101T000000Z.dump.age.sha256" ]
}

@test "a failed export hides nothing, however old what is there" {
  old_export app 20260101T000000Z
  FAILING_DUMP=app run_export app
  [ "$status" -eq 1 ]
  [ -e "$BUCKET/exports/app/20260101T000000Z.dump.age" ]
  ! grep -q 'deletefile exports:bucket/exports/app/20260101' "$CALLS"
}

@test "a clock that is far ahead does not cost the newest one" {
  RETENTION_DAYS=0 run_export app
  [ "$status" -eq 0 ]
  [ "$(ls "$BUCKET"/exports/app/*.sha256 | wc -l)" = 1 ]
}

@test "named databases: a list of the settings, and one by hand leaves the figures of the others" {
  printf "DATABASES='app\nother'\n" >>"$RESTORABLE_EXPORTS_ENV"
  run_export
  [ "$(exported)" = "@globals app other" ]
  run_export app
  [ "$status" -eq 0 ]
  [ -n "$(series last_success_timestamp_seconds other)" ]
}

@test "any name of a database has a folder of its own, and gives the name back" {
  # shellcheck source=scripts/export/store.sh
  . "$EXPORT/store.sh"
  for name in app 'a b/c' 'ü%' .. '@globals.' $'x\ty'; do
    folder=$(folder_of "$name")
    [[ $folder =~ ^[A-Za-z0-9_.%-]+$ && ! $folder =~ ^\.+$ ]]
    [ "$(database_of "$folder")" = "$name" ]
  done
  [ "$(folder_of "$GLOBALS")" = @globals ]
}

@test "settings that are missing, wrong use, a second run" {
  run_export --wrong
  [ "$status" -eq 2 ]
  sed -i '/EXPORTS_ROOT/d' "$RESTORABLE_EXPORTS_ENV"
  run_export
  [ "$status" -eq 2 ]
  [[ $stderr == *"EXPORTS_ROOT is not set"* ]]
  MONITOR=down run_export
  [ "$status" -ne 0 ]
}
