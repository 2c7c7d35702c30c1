# Logical exports on one data node: settings, key of the bucket, public keys, timer.
# Settings: MAJOR ENV_FILE METRICS_DIR STORE_CA RECIPIENTS UNITS. Secrets: RCLONE_CONF
. /usr/local/lib/restorable/pg.sh
for program in age rclone; do
  [ -x "/usr/bin/$program" ] || fail "no $program in this container: was it made from the prepared image?"
done
install -d -o postgres -g postgres -m 0750 /etc/restorable/exports
[ -d "$METRICS_DIR" ] || install -d -o postgres -g postgres -m 0755 "$METRICS_DIR"
if [ -n "$STORE_CA" ]; then install_file /etc/restorable/exports/store-ca.crt 0644 root <<<"$STORE_CA"; fi
install_file /etc/restorable/exports/recipients 0644 root <<<"$RECIPIENTS"
install_file /etc/restorable/exports/rclone.conf 0600 postgres <<<"$RCLONE_CONF"
install_file /etc/restorable/exports.env 0644 root <<<"$ENV_FILE"
install_units "$UNITS"
