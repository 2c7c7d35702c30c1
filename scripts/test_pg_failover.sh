#!/usr/bin/env bash
# Failover acceptance test: breaks the primary under writing clients, measures until they write again, repairs it,
# and proves that no acknowledged row is lost and none is doubled.
# The sourced parts read what is set here, and traps call the functions:
# shellcheck disable=SC2016,SC2034,SC2317
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: test_pg_failover.sh [--mode MODE] [--runs N] [--json] [--config FILE]

Breaks the primary of the formation, whichever node that is, while clients write at the application's connection
string; repairs it; and compares every row that was acknowledged with what is there. Commits, and so the application,
stand still for the seconds of the failover.

  --mode MODE     stop        incus stop --force (default)
                  kill        SIGKILL for every postgres and pg_autoctl of the container
                  switchover  pg_autoctl perform switchover
                  partition   the primary's link is cut; it must also stop by itself in ISOLATED_STOP_SECONDS (15)
  --runs N        so many times, one after the other (default 1); ends at the first that does not pass
  --json          one JSON object on stdout, with all runs, median and p95; progress goes to stderr always
  --config FILE   settings (default /etc/restorable/failover-test.env)
  --help          this text

RTO_TARGET_SECONDS (60), from the environment or the settings: passed when the first write of a client is accepted
within it, counted from before the primary is broken.

Exit codes: 0 passed
            1 not started: the formation is not healthy, or another run is going
            2 time-out: no write within the target, an isolated primary that goes on, or not healthy again
            3 a tool or the settings are missing
            4 an acknowledged row is lost or doubled, a refused one is there, or the history proves nothing
            64 wrong use; 128 + N ended by signal N, after the repair
TEXT
}

say() { printf '%s\n' "$*" >&2; }
# $1 exit code, $2 reason
end() {
  say "test_pg_failover: $2"
  exit "$1"
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for LIB in "$here/failover" /usr/local/lib/restorable/failover; do [ ! -f "$LIB/formation.sh" ] || break; done
[ -f "$LIB/formation.sh" ] || end 3 "its parts are neither in $here/failover nor in /usr/local/lib/restorable/failover"
for part in formation faults clients measure; do
  # shellcheck source=/dev/null
  . "$LIB/$part.sh"
done

MODE=stop RUNS=1 JSON=n CONFIG=/etc/restorable/failover-test.env
while (($# > 0)); do
  case $1 in
    --mode | --runs | --config) (($# >= 2)) || end 64 "$1 needs a value" ;;
  esac
  case $1 in
    --mode) MODE=$2; shift ;;
    --runs) RUNS=$2; shift ;;
    --config) CONFIG=$2; shift ;;
    --json) JSON=y ;;
    -h | --help) usage; exit 0 ;;
    *) end 64 "unknown argument $1 (see --help)" ;;
  esac
  shift
done
[[ $MODE =~ ^(stop|kill|switchover|partition)$ ]] || end 64 "--mode $MODE: one of stop, kill, switchover, partition"
[[ $RUNS =~ ^[1-9][0-9]{0,3}$ ]] || end 64 "--runs $RUNS: a number from 1"

load_settings() {
  local name target=${RTO_TARGET_SECONDS:-}
  for name in incus jq awk tar flock mktemp; do
    command -v "$name" >/dev/null || end 3 "$name is not installed on this host"
  done
  RTO_TARGET_SECONDS=60 ISOLATED_STOP_SECONDS=15 BASELINE_SECONDS=15 REPAIR_SECONDS=240 WRITERS=4
  FOLDER=/run/restorable-failover-test LOCK_FILE=/run/lock/restorable-failover-test.lock
  [[ -r $CONFIG ]] || end 3 "$CONFIG cannot be read: is the test installed on this host, and are you root?"
  # shellcheck source=/dev/null
  . "$CONFIG" || end 3 "$CONFIG is not valid shell"
  RTO_TARGET_SECONDS=${target:-$RTO_TARGET_SECONDS}
  for name in HOST MONITOR MONITOR_PGDATA NODES DATABASE ROLE URI PASSFILE; do
    [[ -n ${!name:-} ]] || end 3 "$name is not set in $CONFIG"
  done
  for name in RTO_TARGET_SECONDS ISOLATED_STOP_SECONDS BASELINE_SECONDS REPAIR_SECONDS WRITERS; do
    [[ ${!name} =~ ^[0-9]+$ ]] || end 3 "$name must be a whole number"
  done
  [[ -r $PASSFILE ]] || end 3 "$PASSFILE cannot be read"
}

# Whatever happens: what is broken gets repaired, and what was made goes.
conclude() {
  local rc=$?
  trap '' TERM INT HUP
  set +e
  if [[ -n $BROKEN ]]; then
    say "repairing $BROKEN"
    repair || say "test_pg_failover: $BROKEN cannot be repaired: incus --project ${PROJECT[$BROKEN]} start ${INSTANCE[$BROKEN]}"
  fi
  clients_remove || say "test_pg_failover: schema restorable_failover_test or $FOLDER in $MONITOR is still there; the next run removes it"
  rm -rf "$WORK"
  exit "$rc"
}

# Compares history and rows on every node, once each has replayed what the primary has. Prints a JSON object; 4 on a violation.
check_rows() {
  local name lsn result="" line="" reached rc=0 status
  lsn=$(local_sql "$PRIMARY" "$DATABASE" <<<"SELECT pg_current_wal_lsn()") || return 5
  for name in "${ALL[@]}"; do
    reached=n
    for _ in $(seq 60); do
      if [[ $(local_sql "$name" "$DATABASE" <<<"SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= '$lsn'" 2>/dev/null) == t ]]; then reached=y; break; fi
      sleep 0.5
    done
    [[ $reached == y ]] || { say "FAIL    $name has not replayed $lsn within 30 s"; return 5; }
    local_sql "$name" "$DATABASE" >"$WORK/rows" <<<"SELECT writer, number FROM restorable_failover_test.rows" || return 5
    status=0
    result=$("$LIB/check-history.sh" "$WORK/history" "$WORK/rows") || status=$?
    line=${result%%$'\n'*}
    if ((status > 0)); then
      rc=4
      say "FAIL    rows on $name: $line"
      tail -n +2 <<<"$result" | head -20 >&2
    fi
    # The figures of the first node that is wrong, or of the last one.
    [[ $rc == 0 ]] || break
  done
  tr ' ' '\n' <<<"$line" | jq -Rn '[inputs | split("=") | {key: .[0], value: (.[1] | tonumber? // 0)}] | from_entries' || return 5
  return "$rc"
}

# One run: $1 its number. Appends a JSON object to $WORK/runs; returns the exit code of the run.
run() {
  local since figures history="null" rc=0 reason="" broken began stopped=null recovery=null verdict=pass
  wait_healthy "$BASELINE_SECONDS" || { reason="not healthy: $UNHEALTHY"; record 1; return 1; }
  broken=$PRIMARY
  clients_start || { reason="the formation is healthy, but a client cannot write at the application's URI"; record 1; return 1; }
  say "run $1 of $RUNS: $MODE of $broken, $WRITERS clients write"
  if [[ $MODE == partition ]]; then push "$broken" cut.sh writer.sh session.sh; fi
  # The clients' clock; before the break, so that what the break itself takes counts too.
  since=$(inside "$MONITOR" 'echo "$EPOCHREALTIME"' </dev/null)
  if ! break_primary "$MODE" "$broken"; then
    reason="$MODE of $broken does not work"
    clients_stop
    repair || true
    record 1
    return 1
  fi
  inside "$MONITOR" 'FOLDER=$1 exec "$1/watch.sh" "$2" "$3" "$4"' "$FOLDER" "$since" "$RTO_TARGET_SECONDS" "$WRITERS" </dev/null >&2 || true
  if [[ $MODE == partition ]]; then stopped=$(isolated_stop "$broken"); fi
  began=$SECONDS
  repair || say "FAIL    $broken cannot be repaired yet"
  if wait_healthy "$REPAIR_SECONDS"; then
    recovery=$((SECONDS - began))
    say "healthy again after $recovery s, primary $PRIMARY"
  else
    rc=2 reason="not healthy again within $REPAIR_SECONDS s: $UNHEALTHY"
  fi
  clients_stop
  if ! clients_collect "$broken" || ! events_collect "$since"; then
    rc=2 reason="what clients and monitor recorded cannot be read"
    record "$rc"
    return "$rc"
  fi
  figures=$(measure "$since" "$broken")
  if [[ $rc == 0 ]]; then
    history=$(check_rows) || rc=$?
    case $rc in
      0) ;;
      4) reason="the rows contradict what the clients were told" ;;
      *) rc=4 history=null reason="rows and history cannot be compared" ;;
    esac
  fi
  if [[ $rc == 0 ]] && ! jq -e --argjson target "$RTO_TARGET_SECONDS" '.firstWriteSeconds != null and .firstWriteSeconds <= $target' <<<"$figures" >/dev/null; then
    rc=2 reason="no write accepted within $RTO_TARGET_SECONDS s"
  fi
  if [[ $rc == 0 && $MODE == partition ]] && ! jq -e --argjson bound "$ISOLATED_STOP_SECONDS" '. != null and . <= $bound' <<<"$stopped" >/dev/null; then
    rc=2 reason="the isolated primary did not stop within $ISOLATED_STOP_SECONDS s (it took: $stopped)"
  fi
  record "$rc"
  return "$rc"
}

# Seconds that the isolated primary's Postgres went on to answer after the cut; null when it did not stop in time.
isolated_stop() {
  local ms=""
  for _ in $(seq $((ISOLATED_STOP_SECONDS + 30))); do
    ms=$(inside "$1" 'cat "$1/stopped" 2>/dev/null' "$FOLDER" </dev/null) && [[ -n $ms ]] && break
    sleep 1
  done
  [[ $ms =~ ^[0-9]+$ ]] || { echo null; return; }
  say "the isolated primary stopped after $((ms / 1000)).$((ms % 1000 / 100)) s"
  echo "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

# $1 exit code of the run; the rest are the variables of `run`.
record() {
  [[ $1 == 0 ]] || verdict=fail
  jq -nc --arg mode "$MODE" --arg node "${broken:-}" --arg verdict "$verdict" --arg reason "$reason" --argjson figures "${figures:-{\}}" \
    --argjson history "$history" --argjson stopped "$stopped" --argjson recovery "$recovery" \
    '{mode: $mode, node: $node} + $figures + {isolatedStopSeconds: $stopped, recoverySeconds: $recovery, history: $history, verdict: $verdict, reason: $reason}' >>"$WORK/runs"
  if [[ $1 == 0 ]]; then
    say "$(tail -1 "$WORK/runs" | jq -r '"ok      first write after \(.firstWriteSeconds) s on \(.newPrimary); \(.history.acknowledged) rows acknowledged, none lost or doubled"')"
  else
    say "FAIL    $reason"
  fi
}

load_settings
mkdir -p "$(dirname "$LOCK_FILE")"
exec 9>>"$LOCK_FILE" || end 3 "the lock $LOCK_FILE cannot be opened"
flock -n 9 || end 1 "another run is going (lock $LOCK_FILE): nothing done"
find_nodes
WORK=$(mktemp -d "${TMPDIR:-/tmp}/test_pg_failover.XXXXXX")
: >"$WORK/runs"
trap conclude EXIT
trap 'end 143 "ended by SIGTERM"' TERM
trap 'end 130 "ended by SIGINT"' INT
trap 'end 129 "ended by SIGHUP"' HUP

wait_healthy "$BASELINE_SECONDS" || end 1 "unhealthy baseline, nothing done: $UNHEALTHY"
clients_install || end 1 "the clients cannot be put into $MONITOR"
schema_make || end 1 "unhealthy baseline: the application cannot write at its URI"
RC=0
for ((number = 1; number <= RUNS && RC == 0; number++)); do run "$number" || RC=$?; done
summarize "$RC" <"$WORK/runs" >"$WORK/summary"
table <"$WORK/summary" >&2
if [[ $JSON == y ]]; then cat "$WORK/summary"; fi
exit "$RC"
