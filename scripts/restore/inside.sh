#!/usr/bin/env bash
# Dumps from the restored copy, inside its container, as postgres.
# usage: table-inside.sh dump-table|dump-database|dump|sql|left-out|left-out-sql|properties ...   (see the case at the end)
set -euo pipefail

run=/run/restorable-drill
archive=/var/lib/postgresql/restorable-table.dump
port=5499
bin="/usr/lib/postgresql/${PG_MAJOR:?}/bin"
# shellcheck source=scripts/restore/properties.sh
. "$run/properties.sh"
export LC_ALL=C PGHOST=$run PGPORT=$port
umask 077

# What refers to others of the living database, which need not fit the past: foreign keys would be checked against rows of
# today, triggers and rules would act.
others='(FK CONSTRAINT|TRIGGER|EVENT TRIGGER|RULE|PUBLICATION TABLE|SUBSCRIPTION) '

# dump_table DATABASE SCHEMA TABLE: with its partitions.
dump_table() {
  local tables=() table
  while IFS= read -r table; do tables+=("--table=$table"); done < <(
    PGDATABASE=$1 psql -XAtq -v ON_ERROR_STOP=1 -v "schema=$2" -v "name=$3" -f - <<'SQL'
SELECT format('"%s"."%s"', replace(nspname, '"', '""'), replace(relname, '"', '""'))
FROM (SELECT relid::oid AS oid FROM pg_partition_tree(format('%I.%I', :'schema', :'name')::regclass)
      UNION SELECT format('%I.%I', :'schema', :'name')::regclass::oid) t JOIN pg_class USING (oid) JOIN pg_namespace n ON n.oid = relnamespace
SQL
  )
  PGDATABASE=$1 "$bin/pg_dump" --format=custom "${tables[@]}" -f "$archive"
}

left_out() { "$bin/pg_restore" --list "$archive" | grep -E "^[0-9]+; [0-9]+ [0-9]+ $others" || true; }

case "${1:-}" in
  dump-table) dump_table "$2" "$3" "$4" ;;
  dump-database) PGDATABASE=$2 "$bin/pg_dump" --format=custom -f "$archive" ;;
  dump) cat "$archive" ;;
  # As statements, without what refers to others.
  sql)
    "$bin/pg_restore" --list "$archive" | grep -vE "^[0-9]+; [0-9]+ [0-9]+ $others" >"$archive.list"
    "$bin/pg_restore" --use-list "$archive.list" -f - "$archive"
    ;;
  left-out) left_out | sed -E 's/^[0-9]+; [0-9]+ [0-9]+ //' ;;
  left-out-sql)
    left_out >"$archive.list"
    "$bin/pg_restore" --use-list "$archive.list" -f - "$archive" | sed -e '/^--/d' -e '/^SET /d' -e '/^SELECT pg_catalog.set_config/d' -e '/^\\/d' -e '/^$/d'
    ;;
  properties) database_properties "$bin/pg_restore" "$archive" "$2" ;;
  *) echo "usage: table-inside.sh dump-table|dump-database|dump|sql|left-out|left-out-sql|properties" >&2; exit 64 ;;
esac
