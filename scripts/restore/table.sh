# shellcheck shell=bash disable=SC2034,SC2153
# One table from the restored copy into the formation. After formation.sh.

in_copy() {
  incus --quiet --project "$INCUS_PROJECT" exec "$CONTAINER" --cwd / -- runuser -u postgres -- env PG_MAJOR="$PG_MAJOR" \
    bash /run/restorable-drill/table-inside.sh "$@" </dev/null 9>&-
}

sql_literal() { printf "'%s'" "${1//\'/\'\'}"; }

# split_name NAME: sets SCHEMA and TABLE from SCHEMA.TABLE; the names as they are in the catalog, without quotes.
split_name() {
  [[ $1 == ?*.?* ]] || return 1
  SCHEMA="${1%%.*}" TABLE="${1#*.}"
}

# rename_table_sql SCHEMA TABLE NEW-SCHEMA NEW-NAME
rename_table_sql() {
  printf 'SELECT set_config(%s, %s, false), set_config(%s, %s, false), set_config(%s, %s, false), set_config(%s, %s, false) \\g /dev/null\n' \
    "'restore.schema'" "$(sql_literal "$1")" "'restore.table'" "$(sql_literal "$2")" \
    "'restore.new_schema'" "$(sql_literal "$3")" "'restore.new_name'" "$(sql_literal "$4")"
  cat "$TOOLS/restore/rename-table.sql"
}

# kind_in SQL-FUNCTION SCHEMA TABLE: relkind, or nothing. The function takes a database and the statement on stdin.
kind_sql() {
  printf "SELECT relkind FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relname = %s;" \
    "$(sql_literal "$1")" "$(sql_literal "$2")"
}

# What the copy holds at that time.
look_for_table() {
  local kind rc=0
  kind="$(inside_sql "$WANTED_DATABASE" "$(kind_sql "$SCHEMA" "$TABLE")" 2>"$WORK/err")" || rc=$?
  if [ "$rc" != 0 ]; then
    case "$(cat "$WORK/err")" in
      *database*"does not exist"*) verdict fail not_there "there was no database $WANTED_DATABASE at that time" ;;
      *) verdict fail check_failed "$(headline "$(cat "$WORK/err")")" ;;
    esac
  fi
  case "$kind" in
    r | p) ;;
    '') verdict fail not_there "there was no table $SCHEMA.$TABLE in $WANTED_DATABASE at that time" ;;
    *) verdict fail not_there "$SCHEMA.$TABLE in $WANTED_DATABASE is no table" ;;
  esac
  ROWS="$(inside_sql "$WANTED_DATABASE" "$(count_sql "$SCHEMA" "$TABLE")" 2>"$WORK/err")" ||
    verdict fail check_failed "$(headline "$(cat "$WORK/err")")"
}

count_sql() { printf 'SELECT count(*) FROM "%s"."%s";' "${1//\"/\"\"}" "${2//\"/\"\"}"; }

# Whether the name is free in the formation; asked before anything is restored.
check_target() {
  local kind
  in_formation "$INTO_DATABASE" || verdict fail no_database "the formation has no database $INTO_DATABASE to load the table into"
  kind="$(primary_sql "$INTO_DATABASE" <<<"$(kind_sql "$INTO_SCHEMA" "$INTO_TABLE")" 2>"$WORK/err")" ||
    verdict unverified no_primary "$PRIMARY: $(headline "$(cat "$WORK/err")")"
  [ -n "$kind" ] || return 0
  TAKEN=y
  [ "$REPLACE" = y ] || verdict refused name_taken "$INTO_DATABASE has $INTO_SCHEMA.$INTO_TABLE: give another name (--into), or --replace"
  case "$kind" in r | p) ;; *) verdict refused name_taken "$INTO_SCHEMA.$INTO_TABLE is no table: it is not replaced" ;; esac
  confirmed "$INTO_DATABASE: $INTO_SCHEMA.$INTO_TABLE will be renamed to $ASIDE"
}

# All in one transaction: nothing, or the whole table.
load_table() {
  # In the copy, which nobody else uses: what is dumped then has the names that it is to have.
  inside_sql "$WANTED_DATABASE" "$(rename_table_sql "$SCHEMA" "$TABLE" "$INTO_SCHEMA" "$INTO_TABLE")" >/dev/null 2>"$WORK/err" ||
    verdict fail load_failed "$(load_error)"
  attended in_copy dump-table "$WANTED_DATABASE" "$INTO_SCHEMA" "$INTO_TABLE" 2>"$WORK/err" || verdict fail load_failed "$(load_error)"
  attended table_stream >/dev/null 2>"$WORK/err" || verdict fail load_failed "$(load_error); nothing was loaded"
  LOADED="$(primary_sql "$INTO_DATABASE" <<<"$(count_sql "$INTO_SCHEMA" "$INTO_TABLE")" 2>"$WORK/err")" || LOADED=none
  [ "$LOADED" = "$ROWS" ] || verdict fail rows_differ "$ROWS rows were restored, $LOADED are in $INTO_SCHEMA.$INTO_TABLE"
}

# Committed by the last line, which comes only when all before it did.
table_stream() {
  {
    echo 'BEGIN;'
    [ "$TAKEN" = n ] || rename_table_sql "$INTO_SCHEMA" "$INTO_TABLE" "$INTO_SCHEMA" "$ASIDE"
    in_copy sql && printf '\nCOMMIT;\n'
  } | primary_sql "$INTO_DATABASE"
}

# What the loaded table lacks, as statements for people to run.
say_left_out() {
  local what
  what="$(in_copy left-out 2>/dev/null)" || return 0
  [ -n "$what" ] || return 0
  say "     left out, for it refers to others, which may have changed since; to be run by hand where wanted:"
  in_copy left-out-sql 2>/dev/null || true
}
