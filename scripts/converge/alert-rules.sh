# Puts the alert rules on this host, checked with promtool where it is installed. Settings: RULES_PATH RULES
candidate=$(mktemp --suffix=.yml)
trap 'rm -f "$candidate"' EXIT
printf '%s\n' "$RULES" >"$candidate"
if command -v promtool >/dev/null; then
  promtool check rules "$candidate" >&2 || fail "promtool refuses the rules: the file that is there stays"
else
  say "promtool is not installed here: the rules were not checked on this host"
fi
install_file "$RULES_PATH" 0644 root <"$candidate"
