#!/usr/bin/env bash
# One client of the failover test. It writes numbered rows, none of them twice, and records for each what it was
# told: the history that check-history.sh compares with the rows.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: writer.sh NAME client|probe CONNECTION
  client   as an application: connects anew when its connection is lost, writes ten rows a second
  probe    at one node: asks whether it takes writes, and writes a row when it does

Appends to $FOLDER/history/NAME, one line before and one after each write, times in seconds since the epoch:
  sent NAME NUMBER TIME
  done NAME NUMBER TIME acknowledged|refused|unknown SERVER
and to $FOLDER/servers `TIME NAME KIND SERVER` for the first row acknowledged on each server it reaches; SERVER is
the address and the start time of its Postgres. FOLDER defaults to /run/restorable-failover-test.
TEXT
}

if (($# != 3)); then
  usage >&2
  exit 64
fi
name=$1 kind=$2 connection=$3
folder=${FOLDER:-/run/restorable-failover-test}
limit=${WRITE_TIMEOUT_SECONDS:-2}
# shellcheck source=scripts/failover/inside/session.sh
. "$(dirname "${BASH_SOURCE[0]}")/session.sh"
trap '' PIPE
history=$folder/history/$name
number=0 server="" last=""

connect() {
  server=""
  session_open "$connection" "$folder/log/$name"
  # Each host of the connection string may take its whole connect_timeout.
  ask 15 "SELECT coalesce(host(inet_server_addr()), 'local') || '@' || round(extract(epoch FROM pg_postmaster_start_time()) * 1000);" || return 1
  [[ $STATE == 00000 && -n $ANSWER ]] || return 1
  server=$ANSWER
}

takes_writes() {
  ask "$limit" "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off';" && [[ $ANSWER == t ]]
}

write() {
  local outcome=acknowledged
  number=$((number + 1))
  printf 'sent %s %s %s\n' "$name" "$number" "$EPOCHREALTIME" >>"$history"
  if ! ask "$limit" "INSERT INTO restorable_failover_test.rows (writer, number) VALUES ('$name', $number);"; then
    outcome=unknown
  elif [[ $STATE != 00000 ]]; then
    outcome=refused
  fi
  local now=$EPOCHREALTIME
  printf 'done %s %s %s %s %s\n' "$name" "$number" "$now" "$outcome" "$server" >>"$history"
  if [[ $outcome == acknowledged && $server != "$last" ]]; then
    last=$server
    printf '%s %s %s %s\n' "$now" "$name" "$kind" "$server" >>"$folder/servers"
  fi
  [[ $outcome == acknowledged ]]
}

trap session_close EXIT
while :; do
  if [[ -z $server ]] && ! connect; then
    session_close
    pause 0.1
    continue
  fi
  if [[ $kind == probe ]] && ! takes_writes; then
    [[ $STATE == 00000 ]] || { server=""; session_close; }
  elif ! write; then
    # Also after a refusal: this server takes no writes any more, the connection string finds the one that does.
    server=""
    session_close
    continue
  fi
  pause 0.1
done
