# Takes the metrics job and its figures off this host. Settings: METRICS_DIR
systemctl disable -q --now restorable-host-metrics.timer 2>/dev/null || true
systemctl stop restorable-host-metrics.service 2>/dev/null || true
rm -f /etc/systemd/system/restorable-host-metrics.service /etc/systemd/system/restorable-host-metrics.timer
systemctl daemon-reload
systemctl reset-failed restorable-host-metrics.service 2>/dev/null || true
rm -rf /usr/local/lib/restorable/metrics /etc/restorable/host-metrics.env
rm -f "$METRICS_DIR/restorable_volumes.prom" "$METRICS_DIR/restorable_host.prom" "$METRICS_DIR/restorable_live.prom"
rmdir --ignore-fail-on-non-empty /etc/restorable 2>/dev/null || true
