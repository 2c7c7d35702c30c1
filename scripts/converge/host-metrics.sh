# The metrics job of this host. Settings: METRICS_DIR ENV_FILE UNITS
command -v jq >/dev/null || fail "the metrics of the data volumes need jq on host $HOST_NAME"
install -d -m 0755 "$METRICS_DIR" /usr/local/lib/restorable/metrics
install -d -m 0700 /etc/restorable
install_file /etc/restorable/host-metrics.env 0600 root <<<"$ENV_FILE"
for part in textfile.sh host-metrics.sh; do
  install_file "/usr/local/lib/restorable/metrics/$part" 0755 root <"$BUNDLE/metrics/$part"
done
install_units "$UNITS"
systemctl start restorable-host-metrics.service || say "restorable-host-metrics.service failed: see its journal"
