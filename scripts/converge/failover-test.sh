# Installs the failover acceptance test on this host: script, settings, the application's password.
# Settings: ENV_FILE PASSFILE ROLE. Secrets: APP_PASSWORD
install -d -m 0700 /etc/restorable
install -d -m 0755 /usr/local/lib/restorable/failover /usr/local/lib/restorable/failover/inside
install_file /etc/restorable/failover-test.env 0600 root <<<"$ENV_FILE"
install_file "$PASSFILE" 0600 root < <(printf '*:*:*:%s:%s\n' "$ROLE" "$(printf %s "$APP_PASSWORD" | sed 's/[\\:]/\\&/g')")
for part in "$BUNDLE"/failover/*.sh "$BUNDLE"/failover/inside/*.sh; do
  part=${part#"$BUNDLE"/}
  install_file "/usr/local/lib/restorable/$part" 0755 root <"$BUNDLE/$part"
done
install_file /usr/local/bin/test_pg_failover.sh 0755 root <"$BUNDLE/test_pg_failover.sh"
