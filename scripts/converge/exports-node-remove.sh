# Takes the exports off a data node; what is in the bucket stays. Settings: METRICS_DIR
systemctl disable -q --now restorable-export.timer 2>/dev/null || true
systemctl stop restorable-export.service 2>/dev/null || true
rm -rf /etc/restorable/exports /etc/restorable/exports.env /usr/local/lib/restorable/export
rm -f /etc/systemd/system/restorable-export.{service,timer} /var/lib/systemd/timers/stamp-restorable-export.timer \
  "$METRICS_DIR/restorable_exports.prom"
systemctl daemon-reload
