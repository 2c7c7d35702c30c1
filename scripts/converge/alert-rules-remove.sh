# Takes the alert rules off this host. Settings: RULES_PATH
rm -f "$RULES_PATH"
rmdir --ignore-fail-on-non-empty -p "$(dirname "$RULES_PATH")" 2>/dev/null || true
