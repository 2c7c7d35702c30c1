#!/usr/bin/env bats
# The jobs of a cluster, with a folder in the store's place.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  load export_helper
  export_setup
  load cluster_helper
  cluster_setup
}

@test "a dump: encrypted, sealed with version and floor, its roles beside it, reported with its labels" {
  run_dump
  [ "$status" -eq 0 ]
  stamp=$(newest orders)
  [ "$(stub_decrypt <"$BUCKET/exports/orders/$stamp.dump.age")" = "dump of app" ]
  [ "$(stub_decrypt <"$BUCKET/exports/orders/$stamp.roles.age")" = "CREATE ROLE app;" ]
  (cd "$BUCKET/exports/orders" && sha256sum --check --strict --quiet <(grep -v '^#' "$stamp.dump.age.sha256"))
  grep -qx '# server-version 170006' "$BUCKET/exports/orders/$stamp.dump.age.sha256"
  grep -qx '# floor 10' "$BUCKET/exports/orders/$stamp.dump.age.sha256"
  [ "$(pushed cluster_dump veza_cluster_dump_failed)" = 0 ]
  [ "$(pushed cluster_dump veza_cluster_dump_size_bytes)" = "$(stat -c %s "$BUCKET/exports/orders/$stamp.dump.age")" ]
  [ "$(pushed cluster_dump veza_cluster_dump_last_success_timestamp_seconds)" -gt 1700000000 ]
  # main, shop, db, app
  grep -q 'job/restorable_cluster_dump/stanza@base64/bWFpbg==/namespace@base64/c2hvcA==/source@base64/ZGI=/database@base64/YXBw' "$CALLS"
  [ "$(pushed live 'restorable_live_database{place="kubernetes",database="other"}')" = 1 ]
  ! grep -q -e 'pass:word' -e SECRET "$CALLS"
  [ -z "$(ls "$TMPDIR")" ]
}

@test "roles without password hashes where these may not be read, and none where even that fails: said, and dumped all the same" {
  NO_PASSWORDS=1 run_dump
  [ "$status" -eq 0 ]
  [[ $stderr == *"roles without their passwords"* ]]
  rm -r "$BUCKET/exports/orders"
  NO_ROLES='permission denied for table pg_roles' run_dump
  [ "$status" -eq 0 ]
  [[ $stderr == *"no roles"* ]]
  [ ! -e "$BUCKET/exports/orders/$(newest orders).roles.age" ]
  rm -r "$BUCKET/exports/orders"
  NO_ROLES='server closed the connection unexpectedly' run_dump
  [ "$status" -eq 1 ]
  [ -z "$(find "$BUCKET/exports/orders" -name '*.sha256')" ]
}

@test "a pg_dump older than the server: both versions, another exit code, nothing uploaded" {
  SERVER=180001 run_dump
  [ "$status" -eq 2 ]
  [[ $stderr == *"pg_dump 17 is older than the server, which is Postgres 18"* ]]
  [ -z "$(find "$BUCKET" -type f)" ]
  [ "$(pushed cluster_dump veza_cluster_dump_failed)" = 1 ]
  SERVER=160009 run_dump
  [ "$status" -eq 0 ]
}

@test "fewer rows than are due, or a floor that is no number: not dumped, and nothing pruned" {
  old_export orders 20260101T000000Z
  for rows in 9 0 '' many; do
    ROWS=$rows run_dump
    [ "$status" -eq 1 ]
    [ "$(pushed cluster_dump veza_cluster_dump_failed)" = 1 ]
  done
  [ "$(exported)" = orders ]
  [ -e "$BUCKET/exports/orders/20260101T000000Z.dump.age" ]
  ! grep -q 'deletefile' "$CALLS"
  ROWS=10 run_dump
  [ "$status" -eq 0 ]
  [ ! -e "$BUCKET/exports/orders/20260101T000000Z.dump.age" ]
}

@test "a dump that breaks off, a store that is down, a broken store: failed, the older one stays, no figure of a success" {
  old_export orders 20260101T000000Z
  FAILING_DUMP=1 run_dump
  [ "$status" -eq 1 ]
  STORE_DOWN=1 run_dump
  [ "$status" -eq 1 ]
  DAMAGE=truncate run_dump
  [ "$status" -eq 1 ]
  [ "$(ls "$BUCKET"/exports/orders/*.sha256)" = "$BUCKET/exports/orders/20260101T000000Z.dump.age.sha256" ]
  [ "$(pushed cluster_dump veza_cluster_dump_failed)" = 1 ]
  [ -z "$(pushed cluster_dump veza_cluster_dump_last_success_timestamp_seconds)" ]
}

@test "ended from outside: what it started ends with it, and it says that it failed" {
  export STARTED="$BATS_TEST_TMPDIR/started"
  SLOW_DUMP=1 bash "$KUBERNETES/dump.sh" 3>&- &
  pid=$!
  until grep -q '^pg_dump' "$CALLS"; do sleep 0.1; done
  kill -TERM "$pid"
  rc=0
  wait "$pid" || rc=$?
  [ "$rc" -eq 143 ]
  [ "$(pushed cluster_dump veza_cluster_dump_failed)" = 1 ]
  [ -z "$(exported)" ]
  # What came after the sleep never ran.
  [ ! -e "$STARTED" ]
}

@test "without a Pushgateway the dump is made, and its job fails: somebody has to see it" {
  NO_PUSHGATEWAY=1 run_dump
  [ "$status" -eq 1 ]
  [ "$(exported)" = orders ]
  [[ $stderr == *"do not reach the Pushgateway"* ]]
}

@test "settings and Secrets that are missing are named" {
  NAME='' run_dump
  [ "$status" -eq 2 ]
  [[ $stderr == *"NAME is not set"* ]]
  rm "$RESTORABLE_ETC/database/password"
  run_dump
  [ "$status" -eq 2 ]
  [[ $stderr == *"database/password"* ]]
  run_dump --help
  [ "$status" -eq 0 ]
}

@test "the verification passes on what was dumped, and counts nothing else as a backup" {
  run_dump
  run_verify
  [ "$status" -eq 0 ]
  [[ $output == "PASS "* ]]
  [ "$(pushed cluster_verify veza_cluster_verify_failed)" = 0 ]
  [ "$(pushed cluster_verify 'veza_cluster_verify_outcome{outcome="pass"}')" = 1 ]
  rm "$BUCKET"/exports/orders/*.sha256
  run_verify
  [ "$status" -eq 1 ]
  [[ $output == *no_backup* ]]
}

@test "the verification finds what is truncated, altered, too old or gone; the last good figure stays" {
  run_dump
  run_verify
  before=$(pushed cluster_verify veza_cluster_verify_last_success_timestamp_seconds)
  file="$BUCKET/exports/orders/$(newest orders).dump.age"
  cp "$file" "$BATS_TEST_TMPDIR/whole"
  truncate -s 5 "$file"
  run_verify
  [ "$status" -eq 1 ]
  [[ $output == *wrong_size* ]]
  tr 'A-Za-z' 'B-ZAb-za' <"$BATS_TEST_TMPDIR/whole" >"$file"
  run_verify
  [ "$status" -eq 1 ]
  [[ $output == *wrong_checksum* ]]
  [ "$(pushed cluster_verify veza_cluster_verify_failed)" = 1 ]
  rm -r "$BUCKET/exports/orders"
  old_export orders 20260101T000000Z
  run_verify
  [ "$status" -eq 1 ]
  [[ $output == *too_old* ]]
  [ "$(pushed cluster_verify veza_cluster_verify_last_success_timestamp_seconds)" = "$before" ]
}

@test "a store that does not answer is no verdict: exit code 2, and what the last one said stays" {
  run_dump
  run_verify
  STORE_DOWN=1 run_verify
  [ "$status" -eq 2 ]
  [[ $output == UNVERIFIED*store_unreachable* ]]
  [ "$(pushed cluster_verify veza_cluster_verify_failed)" = 0 ]
  [ "$(pushed cluster_verify 'veza_cluster_verify_outcome{outcome="unverified"}')" = 1 ]
}

@test "a verdict that nobody hears of, and a name that is none, are no pass" {
  run_dump
  NO_PUSHGATEWAY=1 run_verify
  [ "$status" -eq 2 ]
  ONLY=other run_verify
  [ "$status" -eq 2 ]
}

@test "the drill says when its image has no server of the database's version" {
  echo AGE-SECRET-KEY-1 >"$RESTORABLE_ETC/identity/identity"
  run_dump
  run --separate-stderr bash "$KUBERNETES/drill.sh"
  [ "$status" -eq 2 ]
  [[ $output == UNVERIFIED*server_missing* ]]
  [ "$(pushed cluster_drill 'veza_cluster_drill_outcome{outcome="unverified"}')" = 1 ]
  [ -z "$(pushed cluster_drill veza_cluster_drill_last_run_timestamp_seconds)" ]
}
