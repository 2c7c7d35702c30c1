#!/usr/bin/env bash
# A dump of one database of the cluster into the off-site bucket. Run by its CronJob, in the database's namespace.
# shellcheck disable=SC2153,SC2317 # settings come from the environment; traps and make_export call functions
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: dump.sh
Dumps one database and the roles of its server, encrypted to public keys before anything leaves the pod; puts the objects
into the bucket, reads them back, compares them, and only then seals the dump as complete. Then hides what is older than
the retention, of this database alone and never its newest. Nothing is uploaded, and nothing pruned, from a database that
has fewer rows than its floor, or with a pg_dump that is older than the server.

Exit: 0 done; 1 failed, the older dumps are as they were; 2 wrong settings, or a pg_dump that is too old: another attempt
would end the same way; 143 ended from outside.

Settings, from the environment:
  NAME                       the dump's name: its folder in the bucket
  NAMESPACE SOURCE DATABASE  labels of its metrics: Service or CNPG cluster, database
  PGHOST PGPORT PGSSLMODE    its server
  MAJOR                      major version of the Postgres clients to use
  FLOOR_QUERY FLOOR_MINIMUM  rows that are due: a query and the least number that it may return; empty for none
  EXPORTS_ROOT               REMOTE:BUCKET/PREFIX for rclone
  RETENTION_DAYS             days that a dump is kept
  PUSHGATEWAY_URL METRICS_PREFIX
Files: /etc/restorable/database/{username,password}, /etc/restorable/store/rclone.conf,
  /etc/restorable/public/{recipients,store-ca.crt}; RESTORABLE_ETC names another folder than /etc/restorable.
TEXT
}
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/metrics/textfile.sh
. "$here/../metrics/textfile.sh"
only_help "$@"
# shellcheck source=scripts/kubernetes/pod.sh
. "$here/pod.sh"
# shellcheck source=scripts/export/store.sh
. "$here/../export/store.sh"
# shellcheck source=scripts/export/upload.sh
. "$here/../export/upload.sh"
# shellcheck source=scripts/export/dump.sh
. "$here/../export/dump.sh"
# shellcheck source=scripts/export/one.sh
. "$here/../export/one.sh"
need NAME NAMESPACE SOURCE DATABASE PGHOST PGPORT MAJOR EXPORTS_ROOT RETENTION_DAYS PUSHGATEWAY_URL METRICS_PREFIX STANZA
etc=${RESTORABLE_ETC:-/etc/restorable}
RCLONE_FILE=$etc/store/rclone.conf RECIPIENTS_FILE=$etc/public/recipients STORE_CA=''
[ ! -s "$etc/public/store-ca.crt" ] || STORE_CA=$etc/public/store-ca.crt
for file in "$RCLONE_FILE" "$RECIPIENTS_FILE" "$etc"/database/{username,password}; do
  [ -r "$file" ] || { echo "cannot read $file: are the Secrets of the namespace as the settings name them?" >&2; exit 2; }
done
PATH=/usr/lib/postgresql/$MAJOR/bin:$PATH
export LC_ALL=C PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-15} PGAPPNAME=restorable-dump

umask 077
work=$(mktemp -d)
status=1
trap 'conclude' EXIT
trap 'end_child; status=143; exit 143' TERM
trap 'end_child; status=130; exit 130' INT

push_dump() { push POST restorable_cluster_dump "$NAMESPACE" "$SOURCE" "$DATABASE"; }

# Whatever happened, somebody hears of it.
conclude() {
  trap '' TERM INT
  local at rc=$status
  at=$(date +%s)
  {
    gauge cluster_dump_last_end_timestamp_seconds "End of the last attempt." "$at"
    gauge cluster_dump_failed "1 if the last attempt failed." "$([ "$rc" = 0 ] && echo 0 || echo 1)"
    if [ "$rc" = 0 ]; then
      # shellcheck source=/dev/null
      . "$work/result"
      gauge cluster_dump_last_success_timestamp_seconds "Start of the newest dump that is complete at the destination." \
        "$(stamp_seconds "$STAMP")"
      gauge cluster_dump_size_bytes "Size of the newest complete dump." "$SIZE"
      gauge cluster_dump_duration_seconds "How long the newest complete dump took." "$TOOK"
    fi
  } | push_dump || [ "$rc" != 0 ] || rc=1
  rm -rf "$work"
  [ "$rc" = 0 ] || echo "$NAME: failed, its older dumps are as they were" >&2
  exit "$rc"
}

# libpq reads the password from a file of this pod's own: neither in the environment nor on a command line.
login() {
  local user password
  user=$(cat "$etc/database/username") password=$(cat "$etc/database/password")
  export PGUSER=$user PGPASSFILE=$work/pgpass
  password=${password//\\/\\\\}
  printf '*:*:*:*:%s\n' "${password//:/\\:}" >"$PGPASSFILE"
}

ask() { to_database "$DATABASE" psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

# Sets SERVER_VERSION. A pg_dump older than its server refuses to work, with words that name no remedy.
check_versions() {
  local client
  client=$(pg_dump --version | sed -nE 's/^pg_dump \(PostgreSQL\) ([0-9]+).*/\1/p')
  SERVER_VERSION=$(ask -c 'SHOW server_version_num')
  [[ $client =~ ^[0-9]+$ && $SERVER_VERSION =~ ^[0-9]+$ ]] || { echo "$NAME: the versions of pg_dump and server cannot be told" >&2; return 1; }
  if ((client < SERVER_VERSION / 10000)); then
    echo "$NAME: pg_dump $client is older than the server, which is Postgres $((SERVER_VERSION / 10000)): give kubernetes.image an image with its clients, and this database its major" >&2
    return 2
  fi
}

check_floor() {
  local rows
  [ -n "${FLOOR_QUERY:-}" ] || return 0
  rows=$(ask -c "$FLOOR_QUERY") || { echo "$NAME: its floor cannot be asked for" >&2; return 1; }
  [[ $rows =~ ^[0-9]{1,18}$ ]] || { echo "$NAME: floor.query does not return one whole number" >&2; return 1; }
  ((rows >= FLOOR_MINIMUM)) || {
    echo "$NAME: $rows rows where at least $FLOOR_MINIMUM are due: not dumped, so that it does not take the place of one that has them" >&2
    return 1
  }
}

roles_of() {
  # Password hashes only for a superuser.
  to_database "$DATABASE" pg_dumpall --roles-only --no-password -l "$DATABASE" >"$work/roles" 2>"$work/said" && return
  ROLES='roles without their passwords: this user may not read them'
  to_database "$DATABASE" pg_dumpall --roles-only --no-role-passwords --no-password -l "$DATABASE" >"$work/roles" 2>"$work/said" && return
  ROLES="no roles: $(said "$work/said")"
  # Only what this user may not read is left out; anything else is a dump that failed.
  ! grep -q 'permission denied' "$work/said" || return 1
  return 2
}

# Beside dump and counts: the server's roles, and what the drill should know.
further_objects() {
  local rc=0
  ROLES='roles with their password hashes'
  echo "# server-version $SERVER_VERSION"
  echo "# floor ${FLOOR_MINIMUM:-0}"
  roles_of || rc=$?
  [ "$rc" != 2 ] || { echo "$NAME: $ROLES" >&2; return 1; }
  if [ "$rc" = 0 ]; then
    upload "$1.roles.age" 8 cat "$work/roles" || return 1
    echo "$SUM  $(basename "$1").roles.age"
  fi
  rm -f "$work/roles"
  echo "$NAME: $ROLES" >&2
}

# What databases there are on this server, dumped or not: for the ledger of what has a backup.
report_databases() {
  local name found
  found=$(ask -c "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname") || return 1
  {
    head_of restorable_live_database gauge "1 for a database that is there."
    while IFS= read -r name; do
      printf 'restorable_live_database{place="kubernetes",database="%s"} 1\n' "$(label "$name")"
    done <<<"$found"
    head_of restorable_live_timestamp_seconds gauge "When this inventory was taken."
    printf 'restorable_live_timestamp_seconds{place="kubernetes",reporter="dump"} %s\n' "$(date +%s)"
  } | push PUT restorable_live "$NAMESPACE" "$SOURCE" ""
}

dump() {
  set -e
  login
  check_versions
  report_databases || echo "$NAME: the databases of its server were not reported" >&2
  check_floor
  make_export "$NAME" "$DATABASE"
  printf 'STAMP=%s SIZE=%s TOOK=%s\n' "$STAMP" "$SIZE" "$TOOK" >"$work/result"
  # Old ones that stay are no failure of this dump, but somebody has to see it.
  prune "$NAME" "$STAMP" || { echo "$NAME: older dumps could not be hidden" >&2; return 1; }
}

{ gauge cluster_dump_last_start_timestamp_seconds "Start of the last attempt." "$(date +%s)"; } | push_dump || true
# Where an error is expected (`||`), it would not end `dump`.
set +e
attended dump
status=$?
exit "$status"
