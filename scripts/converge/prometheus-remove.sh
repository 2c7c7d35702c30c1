# Takes rules and scrape jobs from a Prometheus that goes on. Settings: RULES_PATH SCRAPE_PATH URL RELOAD
for path in "$RULES_PATH" "$SCRAPE_PATH"; do
  rm -f "$path"
  rmdir --ignore-fail-on-non-empty -p "$(dirname "$path")" 2>/dev/null || true
done
case "$RELOAD" in
  systemctl) systemctl reload prometheus ;;
  http) curl -fsS -m 30 -X POST "$URL/-/reload" </dev/null ;;
esac || say "Prometheus could not be told to read its files again: it forgets the rules when it does"
