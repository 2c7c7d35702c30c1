# Takes the restores beside the formation off this host. Settings: METRICS_DIR METRICS_GLOB
. "$BUNDLE/exports-remove.sh"
rm -rf /usr/local/lib/restorable/{restore,export} /etc/restorable/restore.env
rm -f /usr/local/bin/restore-table.sh /run/lock/restorable-pg-restore-drill-*.lock
while IFS= read -r name; do
  [ -z "$name" ] || incus --project "$INCUS_PROJECT" delete --force "$name" </dev/null
done < <(incus --project "$INCUS_PROJECT" list -f csv -c n '^pg-restore-drill-(export|fetch|table)' </dev/null)
rmdir --ignore-fail-on-non-empty /etc/restorable 2>/dev/null || true
