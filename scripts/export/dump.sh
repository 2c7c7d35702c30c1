# shellcheck shell=bash disable=SC2034,SC2154
# What is dumped, and in which snapshot. Needs $work, GLOBALS.

SNAPSHOT='' DATABASE_BYTES=0 CHUNK_MIB=8 SESSION='' ASK='' ANSWER=''

# A name in a connection string may mean something else: it goes by the environment. No limit of the application's cuts
# a dump.
to_database() { local database=$1; shift; PGDATABASE=$database PGOPTIONS='-c statement_timeout=0 -c lock_timeout=0' "$@"; }

# databases: those of the settings, else all that are no templates; one a line.
databases() {
  if [ -n "${DATABASES:-}" ]; then
    printf '%s\n' "$DATABASES"
    return
  fi
  to_database postgres psql -XAtq -v ON_ERROR_STOP=1 \
    -c 'SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname'
}

# snapshot_begin DATABASE: a transaction that stays open beside the dump, which so sees what was counted here. Leaves the
# exact number of rows of each table in $work/counts, as lines `TABLE<TAB>ROWS`.
snapshot_begin() {
  local end
  CHUNK_MIB=8 DATABASE_BYTES=0 SNAPSHOT=''
  if [ "$1" = "$GLOBALS" ]; then
    {
      [ -z "${EXPORTED:-}" ] || printf '%s\n' "$EXPORTED" | sed 's/^/database\t/'
    } >"$work/counts"
    to_database postgres psql -XAtq -F $'\t' -v ON_ERROR_STOP=1 \
      -c "SELECT 'roles', count(*) FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'" >>"$work/counts"
    return
  fi
  rm -f "$work"/{ask,answer}
  mkfifo "$work/ask" "$work/answer"
  to_database "$1" psql -XAtq -F $'\t' -v ON_ERROR_STOP=1 <"$work/ask" >"$work/answer" 2>"$work/session" &
  SESSION=$!
  exec {ASK}>"$work/ask" {ANSWER}<"$work/answer"
  cat >&"$ASK" <<'SQL' || true
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot(), pg_database_size(current_database());
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%I.%I', nspname, relname), nspname, relname)
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND relpersistence <> 't' AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
ORDER BY 1
\gexec
\echo end
SQL
  if ! IFS=$'\t' read -r -u "$ANSWER" SNAPSHOT DATABASE_BYTES; then
    snapshot_end
    echo "$1: $(tail -n 1 "$work/session")" >&2
    return 1
  fi
  : >"$work/counts"
  end=''
  while IFS= read -r -u "$ANSWER" end; do
    [ "$end" != end ] || break
    # Half of them would make the drill compare half.
    printf '%s\n' "$end" >>"$work/counts" || { snapshot_end; return 1; }
  done
  if [ "$end" != end ]; then
    snapshot_end
    echo "$1: the rows cannot be counted: $(tail -n 1 "$work/session")" >&2
    return 1
  fi
  # A store takes 10000 parts of one object: as large as a dump of this database may become.
  CHUNK_MIB=$((DATABASE_BYTES / 9000 / 1048576 + 8))
}

# The session ends when its standard input does.
snapshot_end() {
  [ -n "$SESSION" ] || return 0
  exec {ASK}>&- {ANSWER}<&-
  wait "$SESSION" 2>/dev/null || true
  SESSION=''
}

# dump_of DATABASE: to standard output.
dump_of() {
  if [ "$1" = "$GLOBALS" ]; then
    to_database postgres pg_dumpall --globals-only --no-password
    return
  fi
  # Rather a failed export than a queue behind somebody's lock.
  to_database "$1" pg_dump --format=custom --no-password --snapshot="$SNAPSHOT" --lock-wait-timeout=300s
}
