# Installs what restores tables, databases and exports beside the formation on this host.
# Settings: ENV_FILE METRICS_DIR METRICS_GLOB STORE_CA UNITS; UNITS is empty without exports. Secrets, with exports: RCLONE_CONF IDENTITY
install -d -m 0700 /etc/restorable
install -d -m 0755 /usr/local/lib/restorable/{restore,export}
install_file /etc/restorable/restore.env 0600 root <<<"$ENV_FILE"
for part in "$BUNDLE"/{restore,export}/*; do
  [ -f "$part" ] || continue
  part=${part#"$BUNDLE"/}
  install_file "/usr/local/lib/restorable/$part" 0644 root <"$BUNDLE/$part"
done
install_file /usr/local/bin/restore-table.sh 0755 root <"$BUNDLE/restore-table.sh"
if [ -n "$UNITS" ]; then
  install -d -m 0700 /etc/restorable/exports
  install -d -m 0755 "$METRICS_DIR"
  install_file /etc/restorable/exports/rclone.conf 0600 root <<<"$RCLONE_CONF"
  install_file /etc/restorable/exports/identity 0600 root <<<"$IDENTITY"
  if [ -n "$STORE_CA" ]; then install_file /etc/restorable/exports/store-ca.crt 0644 root <<<"$STORE_CA"; fi
  for script in restore-export export-drill; do install_file "/usr/local/bin/$script.sh" 0755 root <"$BUNDLE/$script.sh"; done
  install_units "$UNITS"
else
  . "$BUNDLE/exports-remove.sh"
fi
