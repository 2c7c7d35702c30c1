#!/usr/bin/env bash
# A logical export of each database and of the roles into the off-site bucket, on the primary only. Run by
# restorable-export.service.
#
# From the primary, not from a standby: there the dump would either be cancelled by replay (a vacuum or a lock on the
# primary is enough), or hold replay up and so lengthen the next failover; with hot_standby_feedback the primary keeps
# dead rows for it all the same. And one gate, that of the backups, decides who works, whatever number of standbys there is.
# shellcheck disable=SC2317 # traps call functions
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: export.sh [DATABASE...]
Run as postgres. Exports the databases of the settings, or those named, and the roles of the cluster: each dumped,
encrypted to the recipients' public keys, put into the bucket, read back and compared, and only then sealed as complete.
Then hides what is older than the retention, of that database alone and never its newest. On a standby it says so and
ends with 0.

Exit: 0 done, or a standby; 1 at least one database failed (the others were still exported, and its older exports stay);
2 wrong use or settings; 3 the node's role cannot be decided; 75 another export is running.

Settings, from /etc/restorable/backup.env and /etc/restorable/exports.env (RESTORABLE_EXPORTS_ENV names another):
  DATABASES               names, one a line; empty for all but templates
  EXPORTS_ROOT            REMOTE:BUCKET/PREFIX for rclone
  RCLONE_FILE             rclone's configuration, with the key, 0600
  STORE_CA                authority of the store's certificate; empty for the system's
  RECIPIENTS_FILE         age's public keys, one a line
  RETENTION_DAYS          days that an export is kept
  METRICS_DIRECTORY       folder of the textfile collector
TEXT
}

case ${1:-} in
  --help | -h) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
esac

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/node/role.sh
. "$here/../node/role.sh"
# shellcheck source=scripts/metrics/textfile.sh
. "$here/../metrics/textfile.sh"
# shellcheck source=scripts/export/store.sh
. "$here/store.sh"
# shellcheck source=scripts/export/upload.sh
. "$here/upload.sh"
# shellcheck source=scripts/export/dump.sh
. "$here/dump.sh"
# shellcheck source=scripts/export/one.sh
. "$here/one.sh"
load_backup_env
load_settings "${RESTORABLE_EXPORTS_ENV:-/etc/restorable/exports.env}"
for name in EXPORTS_ROOT RCLONE_FILE RECIPIENTS_FILE RETENTION_DAYS METRICS_DIRECTORY; do
  [ -n "${!name:-}" ] || { echo "$name is not set in exports.env" >&2; exit 2; }
done
metrics=$METRICS_DIRECTORY/restorable_exports.prom
PATH=/usr/lib/postgresql/$PG_MAJOR/bin:$PATH

work=$(mktemp -d)
trap 'trap "" TERM INT; abandon; rm -rf "$work"' EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
exec 8>"${EXPORT_LOCK:-/run/lock/restorable-export.lock}"
flock -n 8 || { echo "another export is running" >&2; exit 75; }

role=$(node_role)
if [ "$role" = standby ]; then
  # The primary's series alone count.
  rm -f "$metrics"
  echo "standby: the primary makes the exports"
  exit 0
fi

# What the last run left: "NAME DATABASE-LABEL" to the value.
declare -A last=() now=()
if [ -r "$metrics" ]; then
  while read -r line; do
    if [[ $line =~ ^restorable_export_([a-z_]+)\{database=\"(.*)\"\}\ ([0-9.]+)$ ]]; then
      last["${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"]=${BASH_REMATCH[3]}
    fi
  done <"$metrics"
fi

names=(last_success_timestamp_seconds size_bytes duration_seconds failed)
declare -A help=(
  [last_success_timestamp_seconds]="Start of the newest export that is complete at the destination; 0 when there is none."
  [size_bytes]="Size of the newest complete export."
  [duration_seconds]="How long the newest complete export took."
  [failed]="1 if the last attempt failed."
)
reported=()

write_metrics() {
  local name key value
  for name in "${names[@]}"; do
    head_of "restorable_export_$name" gauge "${help[$name]}"
    for key in "${reported[@]}"; do
      value=${now["$name $key"]:-${last["$name $key"]:-}}
      [ -n "$value" ] || [ "$name" != last_success_timestamp_seconds ] || value=0
      [ -z "$value" ] || printf 'restorable_export_%s{database="%s"} %s\n' "$name" "$key" "$value"
    done
  done | replace_file "$metrics"
}

# export_one DATABASE
export_one() {
  local database=$1 folder
  folder=$(folder_of "$database")
  make_export "$folder" "$database" || return 1
  now["last_success_timestamp_seconds $(label "$database")"]=$(stamp_seconds "$STAMP")
  now["size_bytes $(label "$database")"]=$SIZE
  now["duration_seconds $(label "$database")"]=$TOOK
  # Old ones that stay are no failure of this export, but somebody has to see it.
  prune "$folder" "$STAMP" || { echo "$database: older exports could not be hidden" >&2; return 1; }
}

if (($# > 0)); then
  wanted=("$@")
else
  mapfile -t wanted < <(databases)
  ((${#wanted[@]} > 0)) || { echo "the databases cannot be listed" >&2; exit 1; }
  # Last: it says which databases there were.
  wanted+=("$GLOBALS")
fi
EXPORTED=$(printf '%s\n' "${wanted[@]}" | grep -vxF "$GLOBALS") || EXPORTED=''
failed=()
for database in "${wanted[@]}"; do
  key=$(label "$database")
  reported+=("$key")
  now["failed $key"]=0
  if ! export_one "$database"; then
    now["failed $key"]=1
    failed+=("$database")
  fi
done
# Named ones alone say nothing of the others.
if (($# > 0)); then
  for key in "${!last[@]}"; do
    [[ " ${reported[*]} " == *" ${key#* } "* ]] || reported+=("${key#* }")
  done
fi
write_metrics || failed+=("metrics")
if ((${#failed[@]} > 0)); then
  echo "failed: ${failed[*]}; their older exports are as they were" >&2
  exit 1
fi
