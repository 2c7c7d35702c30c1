# Takes the exports' drill and restore off this host. Needs METRICS_DIR and METRICS_GLOB.
if [ -f /etc/systemd/system/restorable-export-drill.timer ]; then
  systemctl disable -q --now restorable-export-drill.timer 2>/dev/null || true
  systemctl stop restorable-export-drill.service 2>/dev/null || true
  rm -f /etc/systemd/system/restorable-export-drill.{service,timer} /var/lib/systemd/timers/stamp-restorable-export-drill.timer
  systemctl daemon-reload
fi
rm -rf /etc/restorable/exports
rm -f /usr/local/bin/{restore-export,export-drill}.sh
# shellcheck disable=SC2086
rm -f "$METRICS_DIR"/$METRICS_GLOB
