#!/usr/bin/env bats
# What restores beside the formation: arguments, refusals, outcomes.

setup() {
  load restore_helper
  restore_setup
}

table() { run "$SCRIPTS/restore-table.sh" --config "$CONFIG" "$@"; }
export_of() { run "$SCRIPTS/restore-export.sh" --config "$CONFIG" "$@"; }
drill() { run "$SCRIPTS/export-drill.sh" --config "$CONFIG" "$@"; }

@test "each has a --help with its exit codes, and refuses what it does not know with 2" {
  for script in restore-table restore-export export-drill; do
    run "$SCRIPTS/$script.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == *"Exit codes:"* ]]
    run "$SCRIPTS/$script.sh" --wrong
    [ "$status" -eq 2 ]
    run "$SCRIPTS/$script.sh" --config
    [ "$status" -eq 2 ]
  done
  ! launched
}

@test "restore-table: arguments that make no sense end with 2 before anything is done" {
  for words in "" "--table public.users" "--table users --into public.x" "--table public.users --into x" \
    "--table a.b --into a.c --output /tmp/x" "--database app --into x --target-time nonsense" \
    "--database app --into x --target-time 2999-01-01" "--database app --into x --repo two"; do
    # shellcheck disable=SC2086
    table $words
    [ "$status" -eq 2 ]
  done
  table --database app --output "$CONFIG"
  [ "$status" -eq 2 ]
  [[ $output == *"is there already"* ]]
  ! launched
}

@test "restore-table: a name that is taken is refused before anything is restored" {
  KIND=r table --table public.users --into public.users
  [ "$status" -eq 3 ]
  [[ $output == *"--replace"* ]]
  KIND=r table --table public.users --into public.users --replace </dev/null
  [ "$status" -eq 3 ]
  [[ $output == *"--yes"* ]]
  KIND=v table --table public.users --into public.users --replace --yes
  [ "$status" -eq 3 ]
  table --database app --into app
  [ "$status" -eq 3 ]
  table --database app --into postgres --replace --yes
  [ "$status" -eq 3 ]
  ! launched
  ! grep -q -i -e rename -e drop "$CALLS"
}

@test "restore-table: no primary, or two, and nothing is known" {
  PRIMARIES="" table --table public.users --into public.x
  [ "$status" -eq 2 ]
  [[ $output == *"no data node"* ]]
  PRIMARIES="pgaf-primary pgaf-replica" table --table public.users --into public.x
  [ "$status" -eq 2 ]
  [[ $output == *"more than one"* ]]
  table --table public.users --into gone.public.x
  [ "$status" -eq 1 ]
  [[ $output == *"no database gone"* ]]
  ! launched
}

@test "restore-export: lists what is there, with names as they are" {
  LISTING='a%20b 20260101T010000Z 100 complete' export_of --list
  [ "$status" -eq 0 ]
  [[ $output == *$'a b\t2026-01-01 01:00:00\t100\tcomplete'* ]]
  [ ! -s "$THERE" ]
}

@test "restore-export: the newest complete one, or that of a time; never an incomplete one" {
  export_of --database app --into copy
  [ "$status" -eq 0 ]
  grep -q 'inside.sh fetch app 20260102T010000Z' "$CALLS"
  export_of --database app --time '2026-01-01 12:00' --into copy
  [ "$status" -eq 0 ]
  [ "$(grep -c 'inside.sh fetch app 20260101T010000Z' "$CALLS")" -eq 1 ]
  export_of --database app --time '2025-01-01' --into copy
  [ "$status" -eq 1 ]
  export_of --database other --into copy
  [ "$status" -eq 1 ]
  [ ! -s "$THERE" ]
}

@test "restore-export: what is loaded has another name until it is whole" {
  export_of --database app --into copy
  [ "$status" -eq 0 ]
  grep -q 'inside.sh properties restoring_' "$CALLS"
  grep -q 'RENAME TO :"new"' "$CALLS"
}

@test "restore-export: over a living database only when told, and then nothing is deleted" {
  export_of --database app
  [ "$status" -eq 3 ]
  export_of --database app --replace </dev/null
  [ "$status" -eq 3 ]
  ! launched
  export_of --database app --replace --yes
  [ "$status" -eq 0 ]
  grep -q 'new=app_before_' "$CALLS"
  ! grep -q 'DROP DATABASE' "$CALLS"
}

@test "restore-export: the roles are not loaded, they are a file" {
  export_of --database @globals
  [ "$status" -eq 2 ]
  export_of --database @globals --output "$BATS_TEST_TMPDIR/roles.sql"
  [ "$status" -eq 0 ]
  [ "$(stat -c %a "$BATS_TEST_TMPDIR/roles.sql")" = 600 ]
}

@test "restore-export: damaged, another key, a store that does not answer" {
  FETCH=10 export_of --database app --into copy
  [ "$status" -eq 1 ]
  FETCH=11 export_of --database app --into copy
  [ "$status" -eq 1 ]
  [[ $output == *"other recipients"* ]]
  STORE="dial tcp: connection refused" export_of --database app --into copy
  [ "$status" -eq 2 ]
  STORE="AccessDenied: status code: 403" export_of --database app --into copy
  [ "$status" -eq 1 ]
  [ ! -s "$THERE" ]
}

@test "drill: passes for the roles and each database that they name" {
  drill
  [ "$status" -eq 0 ]
  [ "$(value 'veza_export_drill_last_success{database="app",reason="none"}')" = 1 ]
  [ "$(value 'veza_export_drill_last_success{database="@globals",reason="none"}')" = 1 ]
  [ "$(value 'veza_export_drill_rows{database="app"}')" = 1000 ]
  [ ! -s "$THERE" ]
}

@test "drill: other rows than were dumped, a missing table, a failed restore, fewer rows than the floor" {
  COUNTS="1000 0 public.users" drill
  [ "$status" -eq 1 ]
  [ "$(value 'veza_export_drill_last_success{database="app",reason="rows_differ"}')" = 0 ]
  COUNTS="1000 missing public.users" drill
  [ "$(value 'veza_export_drill_last_success{database="app",reason="missing_table"}')" = 0 ]
  RESTORE="could not execute query" drill
  [ "$(value 'veza_export_drill_last_success{database="app",reason="restore_failed"}')" = 0 ]
  SMOKE_ROWS=999 drill
  [ "$(value 'veza_export_drill_last_success{database="app",reason="below_floor"}')" = 0 ]
  # A table that was rightly empty is as it was.
  COUNTS="0 0 public.users" drill
  [ "$status" -eq 0 ]
}

@test "drill: a store that does not answer keeps every verdict, so that the stale alert comes" {
  drill
  [ "$status" -eq 0 ]
  before=$(grep -h last_run "$METRICS"/*.prom)
  STORE="dial tcp: i/o timeout" drill
  [ "$status" -eq 2 ]
  [ "$(grep -h last_run "$METRICS"/*.prom)" = "$before" ]
  [ "$(value 'veza_export_drill_outcome{database="app",outcome="unverified"}')" = 1 ]
  [ "$(value 'veza_export_drill_unverified_info{database="app",reason="store_unreachable"}')" = 1 ]
  [ "$(value 'veza_export_drill_last_success{database="app",reason="none"}')" = 1 ]
}

@test "drill: a refused key and an empty bucket are findings" {
  STORE="AccessDenied: Access Denied status code: 403" drill
  [ "$status" -eq 1 ]
  [ "$(value 'veza_export_drill_last_success{database="@globals",reason="access_denied"}')" = 0 ]
  LISTING="" drill
  [ "$status" -eq 1 ]
  [ "$(value 'veza_export_drill_last_success{database="@globals",reason="no_export"}')" = 0 ]
}
