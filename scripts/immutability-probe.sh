#!/usr/bin/env bash
# Tries, with the production credentials of a repository, to destroy what is in it.
# The sourced parts read what is set here, and traps call the functions:
# shellcheck disable=SC2034,SC2317
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: immutability-probe.sh [--repo N] [--on-primary] [--put-back] [--config FILE]

Proves, by trying, that whoever holds the writer key of a repository cannot destroy what is in its bucket. First on
an object of its own: destroy a version (four ways), overwrite, delete by name, change retention, versioning,
lifecycle, policy and object lock. Only if all that is refused: hides backup.manifest.copy of the oldest full backup
(pgBackRest reads it only if backup.manifest is damaged), shows that the hidden version, and pgBackRest with
--repo-target-time, still have it, puts it back, and tries to destroy the old version, whose bytes are then current
again: an attempt that succeeds loses nothing.

  --repo N       repository N (default: REPOSITORY of the settings)
  --on-primary   do nothing on a standby: for the timer, which every data node has
  --put-back     only put back what an interrupted run left hidden; each run begins with that anyway
  --config FILE  settings (default /etc/restorable/immutability.env)
  --help         this text

Run as postgres on a data node; pgBackRest's own configuration is read for store and key.

Exit codes: 0 proven: all was refused, and the hidden file came back; 1 FAILED: something could be destroyed or
changed; 2 could not verify, a usage error, or another probe is running.

Settings: STANZA, REPOSITORY, METRICS_DIRECTORY; optional CONF_FILES (pgBackRest's configuration).
TEXT
}

fatal() {
  printf 'immutability-probe: %s\n' "$1" >&2
  exit 2
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for part in immutability/settings immutability/s3 immutability/objects immutability/attempts immutability/hidden \
  immutability/metrics metrics/textfile; do
  # shellcheck source=/dev/null
  . "$here/$part.sh" || fatal "its part $here/$part.sh is missing"
done

CONFIG=/etc/restorable/immutability.env ONLY_REPO="" ON_PRIMARY=n PUT_BACK_ONLY=n
while [ $# -gt 0 ]; do
  case "$1" in
    --repo | --config) [ $# -ge 2 ] || fatal "$1 needs a value" ;;
  esac
  case "$1" in
    --repo) ONLY_REPO="$2"; shift ;;
    --config) CONFIG="$2"; shift ;;
    --on-primary) ON_PRIMARY=y ;;
    --put-back) PUT_BACK_ONLY=y ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done

# Ends the probe. $1 pass|fail|unverified, $2 reason (snake_case), $3 words for people. What was found stays found, even
# if the rest could not be looked at.
verdict() {
  OUTCOME="$1" REASON="$2" MESSAGE="$3"
  if [ "$1" = unverified ] && [ "${#FINDINGS[@]}" -gt 0 ]; then
    OUTCOME=fail REASON="${FINDINGS[0]}" MESSAGE="$FOUND_TEXT; then: $3"
  fi
  case "$OUTCOME" in pass) exit 0 ;; fail) exit 1 ;; *) exit 2 ;; esac
}

# $1 mark, $2 what was tried, $3 what came of it
say() { printf '%-4s %-44s %s\n' "$1" "$2" "$3"; }

# Something that has to be impossible was possible. $1 reason, $2 what was tried, $3 what came of it
found() {
  FINDINGS+=("$1")
  FOUND_TEXT+="${FOUND_TEXT:+; }$2: $3"
  say FAIL "$2" "$3"
}

# What this store does not do, and a repository can do without. $1 object_lock|lifecycle|repo_target_time
lacks() { LACKS+=("$1"); say -- "$1" "$2"; }

OUTCOME="" REASON="" MESSAGE="" FINDINGS=() FOUND_TEXT="" LACKS=() HIDDEN_KEY="" WORK=""

conclude() {
  local rc=$?
  trap '' TERM INT HUP
  trap - EXIT
  set +e
  [ -n "$OUTCOME" ] || { OUTCOME=unverified REASON=internal_error MESSAGE="the probe itself ended with code $rc"; rc=2; }
  # In a shell of its own: it may end in a verdict, and this one has ended already.
  if [ -n "$HIDDEN_KEY" ] && ! (put_back_or_leave); then
    [ "$OUTCOME" = fail ] || { OUTCOME=unverified REASON=put_back_pending rc=2; }
  fi
  if [ "$PUT_BACK_ONLY" = y ]; then
    [ "$rc" = 0 ] || printf 'could not look (%s): %s\n' "$REASON" "$MESSAGE"
    rm -rf "$WORK"
    exit "$rc"
  fi
  if ! metrics_write; then
    say FAIL metrics "cannot be written to $METRICS_DIRECTORY"
    [ "$rc" != 0 ] || rc=2
  fi
  printf 'immutability of repo%s, stanza %s: %s%s\n' "$REPO" "$STANZA" \
    "$(case "$OUTCOME" in pass) echo PROVEN ;; fail) echo FAILED ;; *) echo "COULD NOT VERIFY" ;; esac)" \
    "$([ "$REASON" = none ] || printf ' (%s)' "$REASON")${MESSAGE:+: $MESSAGE}"
  rm -rf "$WORK"
  exit "$rc"
}

load_config
if [ "$ON_PRIMARY" = y ]; then
  # shellcheck source=scripts/node/role.sh
  . "$here/node/role.sh"
  load_backup_env || exit 2
  role="$(node_role)" || exit 2
  if [ "$role" = standby ]; then
    echo "standby: the primary probes"
    exit 0
  fi
fi
exec 9<"$CONFIG"
flock -n 9 || fatal "another probe is running: nothing done, no metrics written"
WORK="$(mktemp -d "${TMPDIR:-/tmp}/immutability-probe.XXXXXX")"
trap conclude EXIT
trap 'verdict unverified interrupted "ended by a signal"' TERM INT HUP

read_repository
put_back_leftover
if [ "$PUT_BACK_ONLY" = y ]; then
  echo "nothing is hidden"
  verdict pass none ""
fi
printf 'immutability of repo%s, stanza %s: %s with the key that backups are written with\n' "$REPO" "$STANZA" "$PLACE"
probe_object
probe_bucket
if [ "${#FINDINGS[@]}" = 0 ]; then
  probe_backup
else
  say -- "a file of a backup" "not touched: the store does not protect it"
fi
# What was refused in between may have been refused because the key was withdrawn.
still_allowed
[ "${#FINDINGS[@]}" = 0 ] || verdict fail "${FINDINGS[0]}" "$FOUND_TEXT"
verdict pass none ""
