# The inventory of what lives in Docker on this host, for the coverage ledger. Settings: ENV_FILE METRICS_DIR UNITS
command -v docker >/dev/null || fail "the inventory of Docker needs docker on host $HOST_NAME"
install -d -m 0755 "$METRICS_DIR" /usr/local/lib/restorable/docker-inventory
install -d -m 0700 /etc/restorable
install_file /etc/restorable/docker-inventory.env 0600 root <<<"$ENV_FILE"
for part in coverage/docker-inventory.sh metrics/textfile.sh; do
  install_file "/usr/local/lib/restorable/docker-inventory/${part##*/}" 0755 root <"$BUNDLE/$part"
done
install_units "$UNITS"
systemctl start restorable-docker-inventory.service || say "restorable-docker-inventory.service failed: see its journal"
