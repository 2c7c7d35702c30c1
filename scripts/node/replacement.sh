#!/usr/bin/env bash
# What a member of the formation does around the replacement of its container. `incus-container` runs it inside.
#
# The monitor is the authority: it knows all nodes, and nothing is done that it does not agree to. Before a data node
# goes it is put into maintenance, so that no commit waits for a standby that is not there; a primary switches over first.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: replacement.sh check|prepare|rejoined|carry [--begun]
  check      exit 3 with the reason unless the formation is whole, so that this member may go; changes nothing
  prepare    check, then: a primary switches over; a standby goes into maintenance
  rejoined   ends maintenance and waits until this member and the formation are whole
  carry      writes a tar archive of what the new container needs to standard output; it holds private keys
  --begun    the replacement of this member had begun: it need not be healthy itself, only the others

Settings, from the environment:
  KIND          data or monitor
  PG_MAJOR      Postgres major version
  PGDATA        data directory
  WAIT_SECONDS  how long to wait for what is not yet so (90; rejoined: 300)
TEXT
}

home=/var/lib/postgresql
stale_seconds=15
# Silent for so long, another node does not come back while a check waits.
lost_seconds=45
begun=n HOPELESS=''
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

as_postgres() {
  setpriv --reuid=postgres --regid=postgres --init-groups env -C "$home" HOME="$home" PGCONNECT_TIMEOUT=5 LC_ALL=C \
    PATH="/usr/lib/postgresql/$PG_MAJOR/bin:$PATH" "$@"
}

# monitor <statement: on the monitor's database, as this node's own pg_autoctl reaches it.
monitor() {
  local uri=pg_auto_failover
  if [ "$KIND" = data ]; then uri=$(as_postgres pg_autoctl config get pg_autoctl.monitor --pgdata "$PGDATA" 2>/dev/null) || return 1; fi
  as_postgres timeout 20 psql -X -qAt -v ON_ERROR_STOP=1 -d "$uri" -f - 2>"$errors"
}

# Lines NAME|HOST|HEALTH|REPORTED|GOAL|SECONDS since the last report|SELF|ID|SECONDS of silence while the monitor listened.
nodes() {
  local self="false" directory
  if [ "$KIND" = data ]; then
    directory=$(as_postgres pg_autoctl config get pg_autoctl.hostname --pgdata "$PGDATA" 2>/dev/null) || return 1
    self="nodehost = '$directory'"
  fi
  monitor <<SQL
SELECT nodename, nodehost, health, reportedstate, goalstate, extract(epoch FROM now() - reporttime)::int, $self, nodeid,
    extract(epoch FROM now() - greatest(reporttime, pg_postmaster_start_time()))::int
  FROM pgautofailover.node ORDER BY nodeid
SQL
}

# whole: sets FAULT to the reason why the formation may not lose this member now, empty when it may.
# Sets LOST to another node that has been silent for long, if there is one, SELF_STATE (reported/goal), SELF_AGE (seconds since
# its last report), SELF_ID and PRIMARY (address of the node that takes writes).
whole() {
  local all name host health reported goal age self id silent primaries=0 standbys=0 gone=n
  FAULT='' LOST='' SELF_STATE='' SELF_AGE='' SELF_ID='' PRIMARY=''
  if ! all=$(nodes); then
    FAULT="the monitor does not answer: $(head -1 "$errors")"
    return
  fi
  while IFS='|' read -r _ _ _ reported goal age self id _; do
    [ "$self" = t ] || continue
    SELF_STATE=$reported/$goal SELF_AGE=$age SELF_ID=$id
    # Begun, and writes go elsewhere: this member is out already, so only the others have to be well.
    case "$begun/$goal" in y/*primary | y/single) ;; y/*) gone=y ;; esac
  done <<<"$all"
  while IFS='|' read -r name host health reported goal age self id silent; do
    [ -n "$name" ] || continue
    if [ "$self/$gone" = t/y ]; then continue; fi
    if [ "$self" != t ] && [ "$silent" -gt "$lost_seconds" ]; then LOST=$name; fi
    if [ "$health" != 1 ]; then FAULT="node $name is not healthy"
    elif [ "$age" -gt "$stale_seconds" ]; then FAULT="node $name has not reported to the monitor for $age s: does its pg_autoctl run?"
    elif [ "$reported" != "$goal" ]; then FAULT="node $name is on its way from $reported to $goal"
    fi
    case "$reported" in
      primary) primaries=$((primaries + 1)) PRIMARY=$host ;;
      # Writes without a standby: only where this member is the one that is missing.
      wait_primary | single)
        if [ "$gone" = y ]; then primaries=$((primaries + 1)) PRIMARY=$host
        else FAULT=${FAULT:-"node $name is $reported: no standby replicates synchronously"}; fi
        ;;
      secondary) standbys=$((standbys + 1)) ;;
      *) FAULT=${FAULT:-"node $name is $reported"} ;;
    esac
  done <<<"$all"
  if [ "$KIND" = data ] && [ -z "$SELF_STATE" ]; then FAULT=${FAULT:-"the monitor does not know this node"}; fi
  if [ "$primaries" != 1 ]; then FAULT=${FAULT:-"$primaries nodes take writes, not one"}; fi
  if [ "$gone" = n ] && [ "$standbys" = 0 ]; then FAULT=${FAULT:-"there is no standby"}; fi
}

# sql_primary <statement: on the node that takes writes. Superuser: pg_stat_replication hides its columns from others.
sql_primary() {
  local own tls="sslmode=verify-full sslrootcert=/etc/restorable/tls/ca.crt"
  own=$(as_postgres pg_autoctl config get pg_autoctl.hostname --pgdata "$PGDATA" 2>/dev/null) || return 1
  if [ "$PRIMARY" = "$own" ]; then as_postgres psql -X -qAt -d postgres -f -
  else as_postgres psql -X -qAt -d "host=$PRIMARY dbname=postgres user=pgautofailover_replicator $tls" -f -; fi
}

# What the monitor says, and beside it what the primary's own replication says.
may_go() {
  local synchronous
  whole
  if [ -n "$FAULT" ] || [ "$KIND$begun" != datan ]; then return 0; fi
  synchronous=$(sql_primary 2>"$errors" <<<"SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')") || {
    FAULT="the primary at $PRIMARY does not answer: $(head -1 "$errors")"
    return
  }
  if [ "$synchronous" = 0 ]; then FAULT="no standby streams synchronously from the primary at $PRIMARY"; fi
}

# A backup that runs here would be lost. A node that has been silent for long is not waited for.
idle() {
  local unit
  may_go
  HOPELESS=$LOST
  for unit in $(systemctl list-units --no-legend --plain --state=activating 'pgbackrest-full*.service' 'pgbackrest-diff*.service' 2>/dev/null | cut -d' ' -f1); do
    FAULT=${FAULT:-"a backup runs here ($unit)"}
  done
}

# until_so SECONDS COMMAND...: polls twice a second; the command clears FAULT when it is so, and sets HOPELESS when it will not be.
until_so() {
  local end=$((SECONDS + $1))
  shift
  while :; do
    "$@"
    if [ -z "$FAULT" ]; then return 0; fi
    if [ -n "$HOPELESS" ] || [ "$SECONDS" -ge "$end" ]; then return 1; fi
    sleep 0.5
  done
}

check() {
  # A monitor whose replacement had begun may be the one that does not work: there is nobody else to ask.
  if [ "$KIND$begun" = monitory ]; then return 0; fi
  until_so "${WAIT_SECONDS:-90}" idle || { printf 'refused: %s\n' "$FAULT" >&2; exit 3; }
}

# self_is STATE: this node has settled in it, and the node that takes writes has settled too.
self_is() {
  local others=$begun
  begun=y
  whole
  begun=$others
  if [ -z "$FAULT" ] && [ "$SELF_STATE" != "$1/$1" ]; then FAULT="this node is $SELF_STATE, not yet $1"; fi
}

call() { monitor <<<"SELECT pgautofailover.$1" >/dev/null || { printf 'the monitor refused %s: %s\n' "$1" "$(head -2 "$errors")" >&2; exit 1; }; }

prepare() {
  local start=$SECONDS
  check
  [ "$KIND" = data ] || return 0
  case "$SELF_STATE" in
    primary/*)
      call "perform_failover('default', 0)"
      until_so 180 self_is secondary || { printf 'the switchover does not end: %s\n' "$FAULT" >&2; exit 1; }
      printf 'switched over, and a standby again after %s s\n' $((SECONDS - start)) >&2
      begun=n
      until_so 60 may_go || { printf 'after the switchover: %s\n' "$FAULT" >&2; exit 1; }
      ;;
  esac
  case "$SELF_STATE" in
    secondary/*)
      call "start_maintenance($SELF_ID)"
      until_so 60 self_is maintenance || { printf 'maintenance does not begin: %s\n' "$FAULT" >&2; exit 1; }
      ;;
  esac
}

# Reports that were made before this monitor's server started say nothing about now.
monitor_heard() {
  local deaf
  whole
  [ -z "$FAULT" ] || return 0
  deaf=$(monitor <<<"SELECT string_agg(nodename, ', ') FROM pgautofailover.node WHERE reporttime < pg_postmaster_start_time()") || deaf=all
  if [ -n "$deaf" ]; then FAULT="not heard of since this monitor started: $deaf"; fi
}

# Of its own accord only: in maintenance pg_autoctl runs, and leaves Postgres as it is.
reports() {
  whole
  if [ -z "$SELF_STATE" ]; then return 0; fi
  FAULT=''
  if ! systemctl is-active -q pg_autoctl.service; then FAULT='pg_autoctl does not run'
  elif [ "$SELF_AGE" -gt 3 ]; then FAULT="last heard of $SELF_AGE s ago"
  fi
}

rejoined() {
  local start=$SECONDS wait=${WAIT_SECONDS:-300}
  if [ "$KIND" = monitor ]; then
    until_so "$wait" monitor_heard || { printf 'the formation is not whole with the new monitor: %s\n' "$FAULT" >&2; exit 1; }
    printf 'all nodes report to the new monitor after %s s\n' $((SECONDS - start)) >&2
    return
  fi
  until_so "$wait" reports || { printf 'this node does not report: %s\n' "$FAULT" >&2; exit 1; }
  case "$SELF_STATE" in */maintenance) call "stop_maintenance($SELF_ID)" ;; esac
  begun=n
  until_so "$wait" may_go || { printf 'this node has not rejoined: %s\n' "$FAULT" >&2; exit 1; }
  printf 'a healthy member again (%s) after %s s\n' "${SELF_STATE%%/*}" $((SECONDS - start)) >&2
}

# Folders with what was made here, and elsewhere the files that the steps installed, with the links that enable their units.
carry() {
  local installed link path folders
  folders="/etc/restorable /etc/pgbackrest /usr/local/lib/restorable /var/lib/restorable /var/spool/pgbackrest /var/log/pgbackrest /var/lib/node_exporter"
  installed=$(cat /var/lib/restorable/manifest/* | sed -n 's/^[0-9a-f]\{64\} [ *]//p' |
    grep -vE "^($home|${folders// /|})/" | sort -u) || true
  {
    # shellcheck disable=SC2086
    printf '%s\n' $folders "$installed"
    for link in /etc/systemd/system/*.wants/*; do
      if [ -L "$link" ] && grep -qxF "$(readlink "$link")" <<<"$installed"; then printf '%s\n' "$link"; fi
    done
  } | while IFS= read -r path; do if [ -e "$path" ]; then printf '%s\n' "${path#/}"; fi; done |
    # Names, not numbers, of the owners; the spool's content is made again.
    tar -C / --exclude='var/spool/pgbackrest/*' -cf - -T -
}

action=''
for argument in "$@"; do
  case "$argument" in
    check | prepare | rejoined | carry) action=$argument ;;
    --begun) begun=y ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 64 ;;
  esac
done
[ -n "$action" ] || { usage >&2; exit 64; }
"$action"
