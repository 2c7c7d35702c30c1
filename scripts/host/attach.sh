# What a data node does about a monitor that may be another one than it was: sourced by step pg-node, after pg.sh.
# A monitor that was made anew knows no node. Nodes that have a cluster come back to it as what they are, the primary
# first; none is promoted, copied over, or made empty for want of knowledge.
# Needs MONITOR ADDRESS NODE_ADDRESSES, data, uri, ask_monitor.

decision=''
config=$home/.config/pg_autoctl$data/pg_autoctl.cfg

# attach_decision CONFIGURED CLUSTER ROLE ENABLED LISTED KNOWN UNLISTED WRITERS SILENT
#   CONFIGURED  yes|no: pg_autoctl has its configuration here        CLUSTER  yes|no: a data directory is here
#   ROLE        primary|standby as Postgres says; down-primary|down-standby as the data directory says; none
#   ENABLED     yes|no: pg_autoctl follows a monitor                 LISTED   nodes with this address on the monitor
#   KNOWN       other nodes on the monitor                           UNLISTED other clusters that run, not on the monitor
#   WRITERS     other clusters that run and are not in recovery      SILENT   other nodes without an answer
# Prints a word, and for `refuse` the reason after a blank:
#   nothing  create  attach  start (pg_autoctl starts Postgres in its role, then look again)
#   resume (an attachment that was cut off)  wait (for others)
attach_decision() {
  local configured=$1 cluster=$2 role=$3 enabled=$4 listed=$5 known=$6 unlisted=$7 writers=$8 silent=$9
  if [ "$configured" = no ]; then
    # A copy made before the others are back could get the number of one of them; an empty cluster would be worse.
    if [ "$cluster" = no ] && [ "$unlisted" -gt 0 ]; then echo wait; else echo create; fi
    return
  fi
  if [ "$listed" -gt 0 ]; then
    if [ "$enabled" = yes ]; then echo nothing; else echo resume; fi
    return
  fi
  case "$role" in
    standby) if [ "$known" -gt 0 ]; then echo attach; else echo wait; fi ;;
    primary)
      if [ "$known" -gt 0 ]; then
        echo "refuse it is not in recovery, and the monitor has registered another node first"
      elif [ "$writers" -gt 0 ]; then
        echo "refuse it is not in recovery, and neither is another node: which of them has the data is for a person to say"
      else
        echo attach
      fi
      ;;
    down-standby) echo start ;;
    # It stopped while nobody counted: it may be a primary of the past.
    down-primary)
      if [ "$known" -gt 0 ] || [ "$writers" -gt 0 ]; then
        echo "refuse its Postgres is down and was a primary's, and another node took its place"
      elif [ "$silent" -gt 0 ]; then
        echo wait
      else
        echo start
      fi
      ;;
    *) echo "refuse its role cannot be told" ;;
  esac
}

peer_sql() { # peer_sql ADDRESS STATEMENT
  as_postgres psql -X -qAt -c "$2" \
    "host=$1 port=5432 dbname=postgres user=pgautofailover_replicator sslmode=verify-full sslrootcert=/etc/restorable/tls/ca.crt connect_timeout=5"
}

own_role() {
  local answer
  if [ ! -s "$data/PG_VERSION" ]; then
    echo none
  elif answer=$(sql postgres <<<'SELECT pg_is_in_recovery()' 2>/dev/null); then
    if [ "$answer" = t ]; then echo standby; else echo primary; fi
  elif accepts; then
    echo unknown
  elif [ -e "$data/standby.signal" ]; then
    echo down-standby
  else
    echo down-primary
  fi
}

monitor_enabled() { grep -q '^monitor = postgres' "$config"; }

# look: asks everybody, sets `decision`. Fails when the monitor does not answer.
look() {
  local configured=no cluster=no enabled=no listed known unlisted=0 writers=0 silent=0 address answer
  if [ -s "$config" ]; then configured=yes; fi
  if [ -s "$data/PG_VERSION" ]; then cluster=yes; fi
  if [ "$configured" = yes ] && monitor_enabled; then enabled=yes; fi
  listed=$(ask_monitor "SELECT count(*) FROM pgautofailover.node WHERE nodehost = '$ADDRESS'") || return 1
  known=$(ask_monitor "SELECT count(*) FROM pgautofailover.node WHERE nodehost <> '$ADDRESS'") || return 1
  if [ "$configured/$enabled/$listed" != yes/yes/1 ]; then
    for address in $NODE_ADDRESSES; do
      if [ "$address" = "$ADDRESS" ]; then continue; fi
      if ! as_postgres pg_isready -q -h "$address" -t 3; then silent=$((silent + 1)); continue; fi
      [ "$(ask_monitor "SELECT count(*) FROM pgautofailover.node WHERE nodehost = '$address'")" != 0 ] || unlisted=$((unlisted + 1))
      # No answer to the question is no proof that it is a standby.
      if ! answer=$(peer_sql "$address" 'SELECT pg_is_in_recovery()' 2>/dev/null); then silent=$((silent + 1)); fi
      if [ "$answer" = f ]; then writers=$((writers + 1)); fi
    done
  fi
  decision=$(attach_decision "$configured" "$cluster" "$(own_role)" "$enabled" "$listed" "$known" "$unlisted" "$writers" "$silent")
}

# The service must have let go of the monitor before this node is registered anew: it would else take the state of a
# node that is yet to be copied for an order, and copy. Its own words are the only sign of it.
let_go() {
  local words
  words=$(journalctl -u pg_autoctl.service -o cat --no-pager "_SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value pg_autoctl.service)" |
    grep -E 'the monitor has been disabled|monitor uri is now' | tail -n 1) || true
  case "$words" in
    *disabled*) return 0 ;;
    *'uri is now'*) return 1 ;;
  esac
  # Started since the configuration was written: it never followed a monitor.
  [ "$(date -d "$(systemctl show -p ActiveEnterTimestamp --value pg_autoctl.service)" +%s)" -gt "$(stat -c %Y "$config")" ]
}

ctl() {
  local log=/tmp/attach-node.log
  timeout -k 5 120 setpriv --reuid=postgres --regid=postgres --init-groups env -C "$home" HOME="$home" PATH="$bin:/usr/bin:/bin" \
    pg_autoctl "$@" --pgdata "$data" >"$log" 2>&1 || { grep -E 'ERROR|FATAL' "$log" | tail -n 5 >&2; return 1; }
}

release() {
  if monitor_enabled; then ctl disable monitor --force || fail "pg_autoctl does not let go of the lost monitor"; fi
  wait_for 60 "pg_autoctl has not noticed that its monitor is gone" let_go
}

# attach_node MAY_WAIT(0|1): 0 when the node is settled with the monitor or may be created; 1 when it has to wait for
# others and may not wait here. Fails rather than guess.
attach_node() {
  local may_wait=$1 end=$((SECONDS + 180))
  while :; do
    look || fail "the monitor at $MONITOR stopped answering"
    case "$decision" in
      nothing | create) return 0 ;;
      start)
        say "pg_autoctl starts Postgres in the role that it had"
        release
        wait_for 90 "Postgres does not start" accepts
        continue
        ;;
      attach)
        say "the monitor does not know this node: registering it as the $(own_role) that it is"
        release
        ctl enable monitor "$uri" || fail "the node cannot be registered with the monitor"
        return 0
        ;;
      resume)
        say "registered before, but cut off: going on"
        if [ "$(own_role)" = standby ]; then
          wait_for 60 "pg_autoctl has not noticed that its monitor is gone" let_go
          ask_monitor "SELECT pgautofailover.remove_node('$ADDRESS', 5432, true)" >/dev/null
          continue
        fi
        # The primary is not taken off the monitor again: standbys may have registered after it.
        ctl config set pg_autoctl.monitor "$uri" || fail "pg_autoctl does not take the monitor"
        systemctl reload pg_autoctl.service
        return 0
        ;;
      refuse*) fail "not attached to the monitor: ${decision#refuse } (docs/restore.md, The monitor)" ;;
    esac
    if [ "$may_wait" = 0 ]; then return 1; fi
    [ "$SECONDS" -lt "$end" ] || fail "no node has registered as the primary within 180 s: is there one, and does its Postgres run? (docs/restore.md, The monitor)"
    sleep 1
  done
}
