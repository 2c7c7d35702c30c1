# The weekly probe of the off-site repository on one data node. It is not run here: its verdict needs a full backup.
# Settings: ENV_FILE UNITS
[ -x "$(command -v curl)" ] || fail "no curl in this container: was it made from the prepared image?"
install_file /etc/restorable/immutability.env 0644 root <<<"$ENV_FILE"
ln -sfn /usr/local/lib/restorable/immutability-probe.sh /usr/local/bin/immutability-probe.sh
install_units "$UNITS"
