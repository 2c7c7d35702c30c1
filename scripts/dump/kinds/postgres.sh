# shellcheck shell=bash disable=SC2034,SC2153
# All databases and roles of a Postgres in Docker, as SQL.
SUFFIX=sql.gz
# shellcheck source=scripts/dump/docker.sh
. "$LIB/dump/docker.sh"

ready() { container_runs; }

# Rather a failed dump than a queue behind somebody's lock.
produce() {
  limited docker exec "$CONTAINER" pg_dumpall -U "$DUMP_USER" --no-password --lock-wait-timeout=300s | gzip
}

# content <DUMP: pg_dumpall says itself that it came to its end.
content() {
  local tail
  tail=$(gzip -dc | tail -n 6) || { echo "the dump is damaged" >&2; return 1; }
  grep -qxF -e '-- PostgreSQL database cluster dump complete' <<<"$tail" || {
    echo "the dump does not end as a whole one does: it broke off, or is empty" >&2
    return 1
  }
}
