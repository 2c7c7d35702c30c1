#!/usr/bin/env bash
# Follows a failover from the monitor's container: prints each change of state that the monitor reports, and ends
# when every client writes again on another server than before, or when the time is over.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: watch.sh SINCE SECONDS WRITERS
SINCE is when the primary was broken (seconds since the epoch). Looks four times a second.
Exit: 0 all clients write again; 1 only some, or none, within the time.
TEXT
}

if (($# != 3)); then
  usage >&2
  exit 64
fi
since=$1 seconds=$2 writers=$3
folder=${FOLDER:-/run/restorable-failover-test}
cd /
# shellcheck source=scripts/failover/inside/session.sh
. "$(dirname "${BASH_SOURCE[0]}")/session.sh"
trap '' PIPE
trap session_close EXIT
session_open dbname=pg_auto_failover "$folder/log/watch" runuser -u postgres --

# $1 time -> seconds since the break, one decimal
after() {
  local tenths=$(((${1/./} - ${since/./}) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

before="" first=""
while :; do
  now=$EPOCHREALTIME
  if ask 2 "SELECT string_agg(format('%s %s/%s%s', nodename, reportedstate, goalstate,
      CASE health WHEN 1 THEN '' WHEN 0 THEN ' unhealthy' ELSE ' health unknown' END), ', ' ORDER BY nodename)
      FROM pgautofailover.node;"; then
    [[ $ANSWER == "$before" ]] || printf '%6s s  monitor: %s\n' "$(after "$now")" "$ANSWER"
    before=$ANSWER
  fi
  # Clients that write on a server that nobody wrote on before the break.
  back=$(awk -v since="$since" '
    $1 < since { old[$4] = 1; next }
    $3 == "client" && !($4 in old) && !($2 in seen) { seen[$2] = 1; n++; if (n == 1) first = $1 " " $4 }
    END { print n + 0, first }' "$folder/servers")
  if [[ -z $first && ${back%% *} != 0 ]]; then
    first=${back#* }
    printf '%6s s  first write of a client, on %s\n' "$(after "${first% *}")" "${first#* }"
  fi
  [[ ${back%% *} -lt $writers ]] || exit 0
  (((${now/./} - ${since/./}) / 1000000 < seconds)) || exit 1
  pause 0.25
done
