#!/usr/bin/env bash
# The daily dump of one kind on this host, by its settings in dump.env beside this script. restore.sh beside it brings one back.
# shellcheck disable=SC2034,SC2317 # the sourced parts read what is set here; traps call functions
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: backup.sh [--check] [--allow-smaller] [--help]
Run as root. Dumps into <root>/<kind>/backup_<YYYYMMDD>.<suffix>, first under another name; checks what came out, and only
then gives it its name, only then removes what is older than the days that are kept. Whatever fails before leaves the
earlier dumps as they are, and shows in the metrics.

  --check          run the dump command once, look at what comes out, keep nothing, remove nothing; no metrics
  --allow-smaller  take a dump that is much smaller than the last one
  --help           this text

Exit: 0 done; 1 the dump failed: the earlier ones stay; 2 wrong use or settings; 75 another run is going.

Settings, from dump.env beside this script (RESTORABLE_DUMP_ENV names another file):
  KIND                    postgres, gitea or k3s_pvc
  HOST                    this host's name in the metrics
  ROOT                    folder of all dumps; each kind has its own in there
  REQUIRE_MOUNT           1: refuse when ROOT is no mount point, instead of filling the root disk
  KEEP_DAYS               days that a dump is kept; the newest always
  MINIMUM_RATIO           a dump below this share of the last one's size is refused
  TIME_LIMIT_SECONDS      the dump command is ended after this time
  METRICS_DIRECTORY       folder of the textfile collector
  METRICS_PREFIX          first part of the metrics' names
  CONTAINER, DUMP_USER    (postgres, gitea) container, and the user there
  KUBECONFIG              (k3s_pvc) how the cluster is reached
  COPY_DIRECTORY          (k3s_pvc) second folder, which gets a copy of each dump
  EXPORTS_ROOT            REMOTE:BUCKET/PREFIX for rclone: an encrypted copy goes there; empty for none
  RCLONE_FILE, STORE_CA, RECIPIENTS_FILE   (rclone.conf, store-ca.crt, recipients beside this script) its key, the authority
                          of the store's certificate, age's public keys
TEXT
}

CHECK=n ALLOW_SMALLER=n
for word in "$@"; do
  case $word in
    --check) CHECK=y ;;
    --allow-smaller) ALLOW_SMALLER=y ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# As installed, or in the checkout.
for LIB in "$here/lib" "$here/.."; do [ ! -d "$LIB/dump" ] || break; done
# shellcheck source=scripts/dump/common.sh
. "$LIB/dump/common.sh"
load_dump "$here"
# shellcheck source=scripts/dump/metrics.sh
. "$LIB/dump/metrics.sh"
# shellcheck source=scripts/dump/keep.sh
. "$LIB/dump/keep.sh"
# shellcheck source=scripts/dump/offsite.sh
. "$LIB/dump/offsite.sh"

work='' partial='' RESULT=failed STARTED=$(date +%s)
# Of the start, so that a run over midnight does not take the next day's place.
TODAY=$(date -d "@$STARTED" +%Y%m%d)
# shellcheck disable=SC2154
conclude() {
  local rc=$?
  trap '' TERM INT HUP
  set +e
  abandon
  [ -z "$partial" ] || rm -f "$partial"
  [ -z "$work" ] || rm -rf "$work"
  if [ "$CHECK" = n ]; then
    write_dump_metrics || { echo "the metrics cannot be written" >&2; [ "$rc" != 0 ] || rc=1; }
    [ "$RESULT" = good ] || echo "dump of $KIND on $HOST failed; the earlier ones are as they were" >&2
  fi
  exit "$rc"
}

lock_dump || exit 75
trap conclude EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP
work=$(mktemp -d)

mounted || exit 1
ready || exit 1

if [ "$CHECK" = y ]; then
  offsite_answers || exit 1
  # The very commands of every night; what comes out is looked at and goes nowhere.
  produce | content || { echo "the dump command of $KIND gave no whole dump: see the lines above" >&2; exit 1; }
  echo "the dump of $KIND works"
  exit 0
fi

install -d -m 0700 "$FOLDER"
rm -f "$FOLDER"/.backup_*.partial.*
partial=$(mktemp "$FOLDER/.$(name_of "$TODAY").partial.XXXXXX")
if ! produce >"$partial"; then
  echo "the dump command of $KIND failed: see the lines above" >&2
  exit 1
fi
content <"$partial" || exit 1
large_enough "$partial" || exit 1
keep "$partial" || exit 1
partial=''
# Good only when all of it is done: a signal in the middle of the copy must not look like an end.
rc=0
[ "$COPY_FAILED" = n ] || rc=1
prune || rc=1
offsite_copy "$NEWEST" || rc=1
[ "$rc" = 0 ] || exit 1
RESULT=good
