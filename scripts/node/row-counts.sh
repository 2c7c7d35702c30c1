#!/usr/bin/env bash
# Rows of every table at this moment, as one line of JSON: pgbackrest-backup.sh leaves it with the backup, and the
# restore drill compares. Exact where that is cheap, the planner's estimate where it is not.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: row-counts.sh [--help]
Run as postgres on the primary. Prints {"at":TIME,"rows":{DATABASE:{TABLE:ROWS}},"estimates":{...},"left_out":N}.

Tables are counted exactly from the smallest to the largest, each for COUNT_TABLE_SECONDS at most, all together for
COUNT_SECONDS; what is left has the planner's estimate (reltuples). Not counted: the stack's own schemas, unlogged and
temporary tables (a restore empties them), tables of 0 rows, those that were never analyzed and too large to count, and
the smallest ones once the line is full (COUNT_BYTES).

Exit: 0 printed; 1 a database could not be asked; 2 wrong use.

From the environment: COUNT_SECONDS (60), COUNT_TABLE_SECONDS (10), COUNT_BYTES (16000)
TEXT
}

# shellcheck source=scripts/node/arguments.sh
. "$(dirname "${BASH_SOURCE[0]}")/arguments.sh"
no_arguments "$@"
export LC_ALL=C PGCONNECT_TIMEOUT=5
ends=$((SECONDS + ${COUNT_SECONDS:-60}))

# ask SECONDS DATABASE <SQL: columns by tabs
ask() { timeout --signal=INT --kill-after=5 "$1" psql -XAtq -F $'\t' -d "$2" -f -; }

# What is counted: oid, bytes, name. A name with a control character would not survive the line.
tables="SELECT c.oid, pg_relation_size(c.oid) AS bytes, format('%I.%I', n.nspname, c.relname) AS name, c.reltuples, c.relpages
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema\$|restorable(_|\$))'
    AND format('%I.%I', n.nspname, c.relname) !~ '[[:cntrl:]]'"

# Lines "estimate|exact, rows, database, table". A table that takes too long, or is locked, keeps its estimate: that
# query fails alone.
count() {
  local left=$((ends - SECONDS))
  ((left > 0)) || left=1
  ask "$left" "$1" <<SQL
SET search_path = '';
SET default_transaction_read_only = on;
SET statement_timeout = '${COUNT_TABLE_SECONDS:-10}s';
SET lock_timeout = '1s';
SET max_parallel_workers_per_gather = 0;
SELECT 'estimate', CASE WHEN bytes = 0 THEN 0 WHEN reltuples >= 0 AND relpages > 0
    THEN round(reltuples / relpages * (bytes / current_setting('block_size')::int)) END, current_database(), name
  FROM ($tables) AS t;
SELECT format('SELECT ''exact'', count(*), current_database(), %L FROM ONLY %s', name, name)
  FROM ($tables) AS t WHERE bytes > 0 ORDER BY bytes \gexec
SQL
}

databases=$(ask 10 postgres <<<"SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname !~ '[[:cntrl:]]'")
while IFS= read -r database; do
  # Cut off by the time limit: the lines so far count.
  code=0
  count "$database" </dev/null 2>/dev/null || code=$?
  if ((code != 0 && code != 124 && code != 137)); then
    echo "database $database cannot be counted (psql ended with $code)" >&2
    exit 1
  fi
done <<<"$databases" | jq -Rcn --argjson bytes "${COUNT_BYTES:-16000}" --argjson at "$(date +%s)" '
  [inputs | split("\t") | select(length == 4) | {kind: .[0], rows: (.[1] | tonumber? // null), database: .[2], table: .[3]}]
  | group_by([.database, .table]) | map((map(select(.kind == "exact")) | first) // first)
  | (map(.database) | unique) as $databases
  | (map(select(.rows == null)) | length) as $unknown
  | map(select(.rows != null and .rows > 0)) | sort_by(-.rows) as $all
  | reduce $all[] as $t ({used: 0, taken: [], full: 0};
      ($t.table | utf8bytelength + 20) as $size
      | if .used + $size > $bytes then .full += 1 else .used += $size | .taken += [$t] end)
  | . as $kept
  | def of($kind): reduce ($kept.taken[] | select(.kind == $kind)) as $t ({}; .[$t.database][$t.table] = $t.rows);
  {at: $at, rows: (($databases | map({(.): {}}) | add // {}) * of("exact")), estimates: of("estimate"),
   left_out: ($unknown + $kept.full)}'
