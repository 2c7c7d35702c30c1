# shellcheck shell=bash disable=SC2034
# What backup.sh and restore.sh share: settings, names, lock, mount. Needs LIB, the folder of the parts.

# load_dump FOLDER: settings of the dump whose scripts lie there, and the functions of its kind.
load_dump() {
  local name
  # shellcheck source=scripts/metrics/textfile.sh
  . "$LIB/metrics/textfile.sh"
  load_settings "${RESTORABLE_DUMP_ENV:-$1/dump.env}"
  for name in KIND HOST ROOT REQUIRE_MOUNT KEEP_DAYS MINIMUM_RATIO TIME_LIMIT_SECONDS METRICS_DIRECTORY METRICS_PREFIX; do
    [ -n "${!name:-}" ] || { echo "$name is not set in dump.env" >&2; exit 2; }
  done
  [ -f "$LIB/dump/kinds/$KIND.sh" ] || { echo "KIND $KIND: postgres, gitea or k3s_pvc" >&2; exit 2; }
  # Dumps hold secrets.
  umask 077
  FOLDER=$ROOT/$KIND
  METRICS_FILE=$METRICS_DIRECTORY/${METRICS_PREFIX}_dump_$KIND.prom
  # Of the copy off site, beside the settings.
  : "${RCLONE_FILE:=$1/rclone.conf}" "${RECIPIENTS_FILE:=$1/recipients}"
  if [ -z "${STORE_CA:-}" ] && [ -r "$1/store-ca.crt" ]; then STORE_CA=$1/store-ca.crt; fi
  # shellcheck source=scripts/dump/kinds/postgres.sh
  . "$LIB/dump/kinds/$KIND.sh"
}

# lock_dump: one run of a kind at a time, backup or restore.
lock_dump() {
  # Where root alone may take it.
  [ -n "${DUMP_LOCK:-}" ] || install -d -m 0700 /run/restorable
  exec 8>"${DUMP_LOCK:-/run/restorable/dump-$KIND.lock}"
  flock -n 8 || { echo "another run of the dump of $KIND is going" >&2; return 75; }
}

# mounted: the root of the dumps is there, and is no folder of the root disk where it must not be one.
mounted() {
  if [ "$REQUIRE_MOUNT" = 1 ] && ! mountpoint -q "$ROOT"; then
    echo "$ROOT is not mounted: refused, for the dumps would fill the root disk" >&2
    return 1
  fi
  [ -d "$ROOT" ] || { echo "$ROOT is not there" >&2; return 1; }
}

# name_of YYYYMMDD
name_of() { printf 'backup_%s.%s' "$1" "$SUFFIX"; }

# dumps_in FOLDER: names of the dumps there, oldest first.
dumps_in() {
  [ -d "$1" ] || return 0
  find "$1" -maxdepth 1 -type f -name "backup_[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9].$SUFFIX" -printf '%f\n' | LC_ALL=C sort
}

# limited COMMAND...: ended when it hangs. In the foreground, so that a signal to this script's group reaches it too.
limited() { timeout --foreground -k 30 "$TIME_LIMIT_SECONDS" "$@"; }
