# Takes the inventory of Docker and its figures off this host. Settings: METRICS_DIR
systemctl disable -q --now restorable-docker-inventory.timer 2>/dev/null || true
systemctl stop restorable-docker-inventory.service 2>/dev/null || true
rm -f /etc/systemd/system/restorable-docker-inventory.{service,timer} /var/lib/systemd/timers/stamp-restorable-docker-inventory.timer
systemctl daemon-reload
systemctl reset-failed restorable-docker-inventory.service 2>/dev/null || true
rm -rf /usr/local/lib/restorable/docker-inventory /etc/restorable/docker-inventory.env
rm -f "$METRICS_DIR/restorable_coverage_docker.prom"
rmdir --ignore-fail-on-non-empty /etc/restorable 2>/dev/null || true
