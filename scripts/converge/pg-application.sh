# The application's role and database. Runs on every data node: the primary makes them, the others wait until
# the application can log in, so the step is never lost to a failover in between.
# Settings: MAJOR DATABASE ROLE URI (multi-host, without password). Secrets: APP_PASSWORD
. /usr/local/lib/restorable/pg.sh
passfile=$(umask 077; mktemp)
trap 'rm -f "$passfile"' EXIT
printf '*:*:*:%s:%s\n' "$ROLE" "$(printf %s "$APP_PASSWORD" | sed 's/[\\:]/\\&/g')" >"$passfile"
log_in() { PGPASSFILE=$passfile psql -X -qAt -d "$URI" -c 'SELECT 1'; }

make() {
  log_in >/dev/null 2>&1 && return 0
  [ "$(sql postgres <<<'SELECT pg_is_in_recovery()')" = f ] || return 1
  sql postgres <<SQL
$unlogged
SELECT 'CREATE ROLE "$ROLE" LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$ROLE') \gexec
ALTER ROLE "$ROLE" LOGIN PASSWORD $(sql_literal "$APP_PASSWORD");
SELECT 'CREATE DATABASE "$DATABASE" OWNER "$ROLE"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$DATABASE') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE "$DATABASE" FROM PUBLIC;
SQL
  log_in
}
wait_for 90 "role $ROLE cannot log in to database $DATABASE at the formation's address" make
