# Installs the coverage ledger on this host: script, settings, timer. Settings: ENV_FILE METRICS_DIR UNITS
for tool in curl jq; do
  command -v "$tool" >/dev/null || fail "the coverage ledger needs $tool on host $HOST_NAME"
done
install -d -m 0700 /etc/restorable
install -d -m 0755 "$METRICS_DIR" /usr/local/lib/restorable/coverage
install_file /etc/restorable/coverage.env 0600 root <<<"$ENV_FILE"
for part in coverage/ledger.jq metrics/textfile.sh; do
  install_file "/usr/local/lib/restorable/coverage/${part##*/}" 0644 root <"$BUNDLE/$part"
done
install_file /usr/local/bin/coverage.sh 0755 root <"$BUNDLE/coverage.sh"
install_units "$UNITS"
# Nobody has to wait for the timer to see figures. On a new stack Prometheus has not heard of everything yet.
systemctl start restorable-coverage.service || say "the ledger could not verify everything yet: the timer asks again"
