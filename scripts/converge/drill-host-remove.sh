# Takes the restore drill off this host. Metrics stay unless they are this stack's. Settings: METRICS_DIR METRICS_GLOB
for path in /etc/systemd/system/pgbackrest-drill.timer /etc/systemd/system/pgbackrest-drill-*.timer; do
  [ -f "$path" ] || continue
  timer=${path##*/}
  systemctl disable -q --now "$timer" 2>/dev/null || true
  systemctl stop "${timer%.timer}.service" 2>/dev/null || true
  rm -f "$path" "${path%.timer}.service" "/var/lib/systemd/timers/stamp-$timer"
done
rm -f /usr/local/bin/dr-drill.sh
systemctl daemon-reload
rm -rf /etc/restorable/drill /etc/restorable/drill.env /usr/local/lib/restorable/drill
# shellcheck disable=SC2086
rm -f "$METRICS_DIR"/$METRICS_GLOB
rm -f "$METRICS_DIR/restorable_escrow.prom" "$STATE_DIR/escrow"
while IFS= read -r name; do
  [ -z "$name" ] || incus --project "$INCUS_PROJECT" delete --force "$name" </dev/null
done < <(incus --project "$INCUS_PROJECT" list -f csv -c n '^pg-restore-drill' </dev/null)
rmdir --ignore-fail-on-non-empty /etc/restorable 2>/dev/null || true
