#!/usr/bin/env bash
# One backup into one repository, or into each, on the primary only. Run by pgbackrest-{full,diff}[-repoN].service.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: pgbackrest-backup.sh full|diff|incr [--repo N]
Run as postgres. Backs the formation up into repository N, or into each one, when this node is the primary; on a
standby it says so and ends with 0. Backups that are due at once take turns: pgBackRest takes one at a time.

Exit: 0 done, or a standby; 1 at least one repository failed (the others were still done); 2 wrong use or settings;
3 the node's role cannot be decided.

Settings, from /etc/restorable/backup.env: STANZA, REPOSITORIES (numbers), PGDATA, PG_MAJOR. From the environment:
  LOCK_FILE           what they take turns by (/var/spool/pgbackrest/restorable-backup.lock)
  LOCK_WAIT_SECONDS   how long to wait for another backup to end (14400)
TEXT
}

case ${1:-} in
  full | diff | incr) type=$1 ;;
  --help | -h)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 2
    ;;
esac
only=''
case $#:${2:-} in
  1:) ;;
  3:--repo) only=$3 ;;
  *)
    usage >&2
    exit 2
    ;;
esac

# shellcheck source=scripts/node/role.sh
. "$(dirname "${BASH_SOURCE[0]}")/role.sh"
load_backup_env
: "${STANZA:?not set in backup.env}" "${REPOSITORIES:?not set in backup.env}"
if [[ -n $only && " $REPOSITORIES " != *" $only "* ]]; then
  echo "repository $only is none of those configured ($REPOSITORIES)" >&2
  exit 2
fi

exec 9>>"${LOCK_FILE:-/var/spool/pgbackrest/restorable-backup.lock}"
if ! flock -w "${LOCK_WAIT_SECONDS:-14400}" 9; then
  echo "another backup has not ended within ${LOCK_WAIT_SECONDS:-14400} s: no $type backup taken" >&2
  exit 1
fi
# The role counts as it is now, not as it was before the wait.
role=$(node_role)
if [[ $role == standby ]]; then
  echo "standby: the primary takes the $type backup"
  exit 0
fi

# What the restore drill compares with. Without it the backup is as good, but nobody can tell whether rows are missing.
counts=()
if rows=$("$(dirname "${BASH_SOURCE[0]}")/row-counts.sh" 9>&-); then
  counts=("--annotation=rows=$rows")
else
  echo "rows could not be counted: the $type backup goes without row counts" >&2
fi

failed=()
for repository in ${only:-$REPOSITORIES}; do
  if ! pgbackrest --stanza="$STANZA" --repo="$repository" --type="$type" "${counts[@]}" backup 9>&-; then
    failed+=("$repository")
  fi
done
if ((${#failed[@]} > 0)); then
  echo "$type backup of stanza $STANZA failed in repository ${failed[*]}" >&2
  exit 1
fi
