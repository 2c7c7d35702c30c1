# Takes the dump of one kind off this host; the dumps themselves stay. Settings: KIND DIRECTORY METRICS_FILE
. "$BUNDLE/dump-schedule-remove.sh"
rm -f "/etc/cron.d/restorable-dump-$KIND" "$METRICS_FILE" "/run/restorable/dump-$KIND.lock"
rm -rf "${DIRECTORY:?}"/lib/{dump,metrics,export}
rm -f "$DIRECTORY"/{backup.sh,restore.sh,dump.env,recipients,rclone.conf,store-ca.crt}
# Copies of dumps may lie there.
rmdir --ignore-fail-on-non-empty "$DIRECTORY/lib" "$DIRECTORY" 2>/dev/null || true
