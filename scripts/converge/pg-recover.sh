# Brings the formation's data back from a repository onto its first node, when the formation is empty. What is restored
# stands beside the data directory until it is recovered, promoted and proven to be all that was archived; it then takes
# its place by one rename. Cut off anywhere, the next run goes on.
# Settings: MAJOR STANZA REPOSITORY TARGET_TIME CONF STORE_CA DATABASE SETTINGS ARCHIVE_TIMEOUT ALLOW_LIVING_SOURCE
#           ADDRESS MONITOR CA NODE_ADDRESSES PEERS. Secrets: SECRETS_CONF MONITOR_PASSWORD
. /usr/local/lib/restorable/pg.sh
. /usr/local/lib/restorable/recover.sh
. /usr/local/lib/restorable/drill/verdict.sh
data=$home/$MAJOR/pgaf/node recovering=$home/$MAJOR/pgaf/recovering marker=$home/$MAJOR/pgaf/recovered
refuse_other_major node
prepare_home
own=$(system_identifier "$data")
if [ -n "$own" ] && [ "$(cut -d' ' -f1 "$marker" 2>/dev/null)" = "$own" ]; then
  step_done
  exit 0
fi

work=/run/restorable-recover
trap 'rm -rf "$work"' EXIT
install -d -o postgres -g postgres -m 0700 "$work" "$work/conf.d"
install -d -o postgres -g postgres -m 0750 /etc/pgbackrest /var/log/pgbackrest /var/spool/pgbackrest
if [ -n "$STORE_CA" ]; then install_file /etc/pgbackrest/store-ca.crt 0644 root <<<"$STORE_CA"; fi
put "$work/pgbackrest.conf" <<<"$CONF"
put "$work/conf.d/secrets.conf" <<<"$SECRETS_CONF"
put "$work/ca.crt" <<<"$CA"
repository_facts || fail "repository $REPOSITORY cannot be asked, or holds no stanza $STANZA: nothing was changed. Are its endpoint, key and passphrase right? (docs/rebuild.md)"

# The monitor, when it is there already: a new one knows nobody.
ask_monitor() {
  PGPASSWORD=$MONITOR_PASSWORD as_postgres psql -X -qAt -c "$1" \
    "host=$MONITOR dbname=pg_auto_failover user=autoctl_node sslmode=verify-full sslrootcert=$work/ca.crt connect_timeout=5"
}
others="FROM pgautofailover.node WHERE nodehost <> '$ADDRESS'"
wait_for 60 "the monitor at $MONITOR does not answer" ask_monitor 'SELECT 1'
listed=$(ask_monitor "SELECT string_agg(nodename, ' ') $others")
reporting=$(ask_monitor "SELECT string_agg(nodename, ' ') $others AND reporttime > now() - interval '30 seconds'")
answering=''
for address in $NODE_ADDRESSES; do
  if [ "$address" != "$ADDRESS" ] && as_postgres pg_isready -q -h "$address" -t 3; then answering+="$address "; fi
done
decision=$(recover_decision "$own" "$WANTED" "$PEERS" "$listed" "$reporting" "$answering")
case "$decision" in
  restore) ;;
  nothing*)
    say "nothing is restored: ${decision#nothing }"
    step_done
    exit 0
    ;;
  *) fail "refused: ${decision#refuse }" ;;
esac
[ "$BACKUPS" != 0 ] || fail "repository $REPOSITORY holds no backup of stanza $STANZA: nothing was changed"
[ "${VERSION%%.*}" = "$MAJOR" ] || fail "repository $REPOSITORY holds a cluster of Postgres $VERSION, and postgres.major is $MAJOR: nothing was changed"

# What an earlier life of this volume, or an earlier run, left behind.
systemctl disable -q --now pg_autoctl.service 2>/dev/null || true
rm -rf "$home/.config/pg_autoctl" "$home/.local/share/pg_autoctl" /tmp/pg_autoctl "$home/restorable"
if as_postgres "$bin/pg_ctl" -D "$recovering" status >/dev/null 2>&1; then stop_recovery "$recovering" immediate; fi
rm -f "$recovering/postmaster.pid"
delta=()
if [ -s "$recovering/PG_VERSION" ] && [ -s "$recovering/global/pg_control" ]; then delta=(--delta); else rm -rf "$recovering"; fi
install -d -o postgres -g postgres -m 0700 "$recovering"

target=()
[ -z "$TARGET_TIME" ] || target=(--type=time "--target=$TARGET_TIME" --target-action=promote)
began=$SECONDS
first=$(newest_wal) || fail "the archive of repository $REPOSITORY cannot be listed: nothing was changed"
start=$(date +%s)
say "restoring cluster $WANTED from repository $REPOSITORY${TARGET_TIME:+, to $TARGET_TIME}"
pgbr --pg1-path="$recovering" --archive-mode=off --log-level-console=warn ${delta[@]+"${delta[@]}"} ${target[@]+"${target[@]}"} restore >&2 ||
  fail "the restore from repository $REPOSITORY failed; nothing else was changed"
printf '%s\n' "$SETTINGS" | put "$recovering/restorable.conf"
say "restored in $((SECONDS - began)) s; replaying WAL"
if ! as_postgres "$bin/pg_ctl" -D "$recovering" -w -t 86400 -l "$work/postgres.log" -o "$(run_settings)" start >/dev/null; then
  tail -n 5 "$work/postgres.log" >&2
  fail "the restored cluster does not start"
fi
until [ "$(recovered_sql -d postgres -c 'SELECT pg_is_in_recovery()' 2>/dev/null)" = f ]; do
  as_postgres "$bin/pg_ctl" -D "$recovering" status >/dev/null 2>&1 || { tail -n 5 "$work/postgres.log" >&2; fail "recovery ended in a crash"; }
  sleep 0.5
done
read -r end segment_bytes timeline < <(recovered_sql -d postgres -F ' ' -c "SELECT pg_last_wal_replay_lsn(),
  (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'), left(pg_walfile_name(pg_current_wal_lsn()), 8)")
heartbeat=$(recovered_sql -d "$DATABASE" -c "SELECT max(at) FROM restorable.heartbeat" 2>/dev/null) || heartbeat=''
say "replayed to $end in $((SECONDS - began)) s, now on timeline $((16#$timeline)); newest heartbeat ${heartbeat:-unknown}"

# restore_command's errors look like "no more WAL" to Postgres: an outage in the middle must not pass for the end.
if [ -z "$TARGET_TIME" ] && ! end_reaches "$ARCHIVE_NEWEST" "$end" "$(cat "$recovering/pg_wal/$timeline.history")" "$segment_bytes"; then
  stop_recovery "$recovering" immediate
  fail "recovery ended at $end, before the newest archived segment $ARCHIVE_NEWEST: run it again if the store was out of reach. When WAL is missing for good, name a recoverFrom.targetTime before the hole. Nothing was put in place"
fi
if [ "$ALLOW_LIVING_SOURCE" = 1 ]; then
  say "not looked whether another site archives into repository $REPOSITORY (allowed by recoverFrom.allowLivingSource)"
else
  status=0
  source_dead $((ARCHIVE_TIMEOUT + 120)) "$first" "$start" || status=$?
  case "$status" in
    0) ;;
    1) stop_recovery "$recovering" fast
      fail "refused: WAL arrives in repository $REPOSITORY: the site that it came from lives, and two formations in one stanza ruin it. Stop the old one; or set recoverFrom.allowLivingSource when it cannot archive any more. Nothing was put in place" ;;
    *) stop_recovery "$recovering" fast
      fail "could not verify that no other site archives into repository $REPOSITORY. Nothing was put in place" ;;
  esac
fi

# The last run's settings of a primary would wait for a standby that is no more.
settings=$(recovered_sql -d postgres -c "SELECT DISTINCT name FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf'
  AND (name IN ('synchronous_standby_names', 'default_transaction_read_only', 'restore_command', 'archive_mode', 'archive_command', 'primary_conninfo', 'primary_slot_name') OR name LIKE 'recovery%')")
for setting in $settings; do recovered_sql -d postgres -c "ALTER SYSTEM RESET $setting"; done
stop_recovery "$recovering" fast
rm -f "$recovering/standby.signal" "$recovering/recovery.signal"
: | put "$recovering/postgresql-auto-failover-standby.conf"
history_ready "$recovering" $((16#$timeline))
# Whom the monitor still lists has no data any more.
if [ -n "$listed" ] || [ "$(ask_monitor 'SELECT count(*) FROM pgautofailover.node')" != 0 ]; then
  ask_monitor "SELECT pgautofailover.remove_node(nodehost, nodeport, true) FROM pgautofailover.node" >/dev/null
fi
# The former timelines were replayed to their end: no hole to look for.
install -d -o postgres -g postgres -m 0755 "$home/restorable"
printf '%s %s %s\n' "$WANTED" $((16#$timeline)) "$(date +%s)" | put "$home/restorable/archive-proven"
printf '%s repository=%s timeline=%s at=%s heartbeat=%s\n' "$WANTED" "$REPOSITORY" $((16#$timeline)) "$(date +%s)" "${heartbeat// /T}" | put "$marker"
rm -rf "$data"
mv "$recovering" "$data"
sync -f "$data"
say "cluster $WANTED is in place, $((SECONDS - began)) s after the restore began"
