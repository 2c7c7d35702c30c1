# Takes the coverage ledger off this host. Settings: METRICS_DIR
systemctl disable -q --now restorable-coverage.timer 2>/dev/null || true
systemctl stop restorable-coverage.service 2>/dev/null || true
rm -f /etc/systemd/system/restorable-coverage.{service,timer} /var/lib/systemd/timers/stamp-restorable-coverage.timer
systemctl daemon-reload
systemctl reset-failed restorable-coverage.service 2>/dev/null || true
rm -rf /usr/local/lib/restorable/coverage /etc/restorable/coverage.env /usr/local/bin/coverage.sh
rm -f "$METRICS_DIR/restorable_coverage.prom"
rmdir --ignore-fail-on-non-empty /etc/restorable 2>/dev/null || true
