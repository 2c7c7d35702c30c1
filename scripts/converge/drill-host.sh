# Installs the restore drill on this host: script, settings, the drilled repositories, units.
# Settings: ENV_FILE METRICS_DIR UNITS STORE_CA REPOSITORIES CONF_<N>. Secrets: SECRETS_<N>
[ -x "$(command -v incus)" ] || fail "the drill needs the incus client on host $HOST_NAME"
install -d -m 0700 /etc/restorable /etc/restorable/drill
install -d -m 0755 "$METRICS_DIR" /usr/local/lib/restorable/drill
install_file /etc/restorable/drill.env 0600 root <<<"$ENV_FILE"
if [ -n "$STORE_CA" ]; then install_file /etc/restorable/drill/store-ca.crt 0644 root <<<"$STORE_CA"; fi
for repo in $REPOSITORIES; do
  conf=CONF_$repo secrets=SECRETS_$repo
  install_file "/etc/restorable/drill/pgbackrest.repo$repo.conf" 0600 root <<<"${!conf}"
  install_file "/etc/restorable/drill/secrets.repo$repo.conf" 0600 root <<<"${!secrets}"
done
for part in "$BUNDLE"/drill/*; do
  [ -f "$part" ] || continue
  install_file "/usr/local/lib/restorable/drill/${part##*/}" 0644 root <"$part"
done
install_file /usr/local/bin/dr-drill.sh 0755 root <"$BUNDLE/dr-drill.sh"
# Of a repository that is none of the settings' any more: its keys go with its timer.
for path in /etc/restorable/drill/*.repo*.conf; do
  repo=${path##*.repo} repo=${repo%.conf}
  case " $REPOSITORIES " in *" $repo "*) ;; *) rm -f "$path" ;; esac
done
remove_other_units "$UNITS" 'pgbackrest-drill-*'
install_units "$UNITS"
"$BUNDLE/escrow/metric.sh" "$METRICS_DIR" "$STATE_DIR"
