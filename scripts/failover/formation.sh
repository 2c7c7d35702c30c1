# shellcheck shell=bash disable=SC2016,SC2034,SC2153
# The formation as the failover test sees it: where its containers are, what the monitor says, whether it is healthy.

ALL=() PRIMARY="" UNHEALTHY=""
declare -A PROJECT INSTANCE ADDRESS

# Sets PROJECT, INSTANCE ([remote:]name) and ADDRESS of each node, and of the monitor under its own name. A node on
# another Incus host is reached through the remote of that host's name, if the client here knows one; a host without
# a remote of its own shares this one's daemon.
find_nodes() {
  local name host project address remotes
  remotes=$(incus remote list -f csv 2>/dev/null </dev/null | cut -d, -f1) || true
  while read -r name host project address; do
    [[ -n $name ]] || continue
    INSTANCE[$name]=$name PROJECT[$name]=$project ADDRESS[$name]=$address
    if [[ $host != "$HOST" ]] && grep -qxF "$host" <<<"$remotes"; then INSTANCE[$name]=$host:$name; fi
    [[ $name == "$MONITOR" ]] || ALL+=("$name")
  done <<<"$NODES"
}

# ic NODE COMMAND...: incus in the node's project; `@` among the words becomes its [remote:]name.
ic() {
  local node=$1 words=() word
  shift
  for word in "$@"; do
    [[ $word != @ ]] || word=${INSTANCE[$node]}
    words+=("$word")
  done
  # The lock is not for children: one that outlives a killed run must not hold it.
  incus --quiet --project "${PROJECT[$node]}" "${words[@]}" 9>&-
}

# inside NODE SCRIPT [WORDS...]: bash in the node's container, as root; its standard input is this function's.
inside() {
  local node=$1 script=$2
  shift 2
  ic "$node" exec @ --cwd / -- bash -c "$script" bash "$@"
}

# on_monitor <SQL: rows with blanks between fields, from the monitor's own database.
on_monitor() { inside "$MONITOR" 'exec timeout -k 2 15 runuser -u postgres -- psql -X -qAt -F " " -v ON_ERROR_STOP=1 -d pg_auto_failover'; }

# local_sql NODE DATABASE <SQL, as the superuser of that node.
local_sql() { inside "$1" 'exec timeout -k 2 60 runuser -u postgres -- psql -X -qAt -F " " -v ON_ERROR_STOP=1 -d "$1"' "$2"; }

# Whether every node is settled and healthy, and every standby streams, at least one of them synchronously. Sets
# PRIMARY, or UNHEALTHY to the reason.
healthy() {
  local states streaming name state words=()
  PRIMARY=""
  if ! states=$(on_monitor 2>&1 <<<"SELECT nodename, reportedstate || '/' || goalstate, health FROM pgautofailover.node"); then
    UNHEALTHY="the monitor $MONITOR gives no answer: ${states##*$'\n'}"
    return 1
  fi
  for name in "${ALL[@]}"; do
    state=$(awk -v name="$name" '$1 == name { print $2, $3 }' <<<"$states")
    case $state in
      "primary/primary 1") PRIMARY=$name ;;
      "secondary/secondary 1") ;;
      '') words+=("$name is not in the formation") ;;
      *) words+=("$name is ${state% *}$([[ $state == *" 1" ]] || echo ", not healthy")") ;;
    esac
  done
  [[ -n $PRIMARY || ${#words[@]} -gt 0 ]] || words+=("no primary")
  [[ $(grep -c . <<<"$states") == "${#ALL[@]}" ]] || words+=("the monitor knows other nodes than the settings")
  if ((${#words[@]} == 0)); then
    streaming=$(local_sql "$PRIMARY" postgres 2>/dev/null <<<"SELECT count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) FROM pg_stat_replication WHERE state = 'streaming' AND application_name LIKE 'pgautofailover_standby_%'") || streaming="0 0"
    [[ ${streaming% *} == $((${#ALL[@]} - 1)) ]] || words+=("${streaming% *} of $((${#ALL[@]} - 1)) standbys stream from $PRIMARY")
    [[ ${streaming#* } != 0 ]] || words+=("no synchronous standby")
  fi
  ((${#words[@]} > 0)) || return 0
  UNHEALTHY=$(printf '%s; ' "${words[@]}")
  UNHEALTHY=${UNHEALTHY%; }
  return 1
}

# wait_healthy SECONDS
wait_healthy() {
  local end=$((SECONDS + $1))
  until healthy; do
    ((SECONDS < end)) || return 1
    sleep 0.5
  done
}
