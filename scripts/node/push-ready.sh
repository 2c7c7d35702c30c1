#!/usr/bin/env bash
# Before pg_autoctl starts: pushes the WAL that Postgres had marked as ready and not yet archived. A former primary is
# rewound when it joins again, and pg_rewind may delete such segments.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: push-ready.sh [--help]
Run as postgres, with Postgres down, by pg_autoctl.service before it starts. Never holds the start up for more than
LIMIT_SECONDS (18), and never fails it: what cannot be pushed is said and left to the archiver.

Segments behind the point where the next primary took over are pushed as well. They are on a timeline that ends
there for every restore, so they cannot be replayed by mistake; and they hold what was written but not acknowledged.

Settings, from /etc/restorable/backup.env: STANZA, PGDATA.
TEXT
}

# shellcheck source=scripts/node/arguments.sh
. "$(dirname "${BASH_SOURCE[0]}")/arguments.sh"
no_arguments "$@"

# A node that has not been provisioned to the end has nothing to push.
file=${RESTORABLE_BACKUP_ENV:-/etc/restorable/backup.env}
[[ -r $file ]] || exit 0
# shellcheck source=/dev/null
. "$file"
# As archive_command does: without a repository that is out of archiving. Nothing may be dropped here.
conf=(--config="${PGBACKREST_DIRECTORY:-/etc/pgbackrest}/archiving/push.conf" --reset-archive-push-queue-max)
end=$((SECONDS + ${LIMIT_SECONDS:-18}))
pushed=0
for ready in "$PGDATA"/pg_wal/archive_status/*.ready; do
  [[ -e $ready ]] || break
  name=${ready##*/}
  name=${name%.ready}
  [[ -f $PGDATA/pg_wal/$name ]] || continue
  left=$((end - SECONDS))
  # The first push sends all that are ready, several at once; the next ones find theirs done.
  if ((left <= 0)) || ! timeout -k 1 "$left" pgbackrest "${conf[@]}" --stanza="$STANZA" --log-level-console=off \
    --log-level-stderr=error archive-push "$PGDATA/pg_wal/$name"; then
    echo "$name could not be pushed before the start: left to the archiver" >&2
    exit 0
  fi
  pushed=$((pushed + 1))
done
((pushed == 0)) || echo "$pushed files that were ready are archived"
