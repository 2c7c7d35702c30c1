# Gives a Prometheus its rules and scrape jobs: checked with promtool before they replace what runs, read by the server
# at once, and asked for afterwards. Runs in the monitoring container (CONFIG, DEFAULTS) or on a host whose Prometheus
# exists (SCRAPE_PATH, SCRAPE).
# Settings: RULES_PATH RULES URL RELOAD, and CONFIG DEFAULTS or SCRAPE_PATH SCRAPE
CONFIG=${CONFIG:-} SCRAPE=${SCRAPE:-}
# shellcheck source=scripts/host/monitoring.sh
. "$(if [ -n "$CONTAINER" ]; then echo /usr/local/lib/restorable; else echo "$BUNDLE"; fi)/monitoring.sh"
config_path=/etc/prometheus/prometheus.yml
for tool in promtool jq curl; do
  command -v "$tool" >/dev/null || fail "$tool is not installed here: Prometheus' rules are neither checked nor asked for without it"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# check KIND FILE AS: promtool's opinion of a candidate; its words name the file as it will be called.
check() {
  promtool check "$1" "$2" >"$work/said" 2>&1 && return 0
  sed "s|$work/rules.yml|$RULES_PATH|g; s|$2|$3|g" "$work/said" >&2
  fail "promtool refuses $3: nothing was replaced, Prometheus goes on with what it has"
}
printf '%s\n' "$RULES" >"$work/rules.yml"
check rules "$work/rules.yml" "$RULES_PATH"
files=("$RULES_PATH")
if [ -n "$CONFIG" ]; then
  # With the candidate's path in it, so that both are checked together.
  printf '%s\n' "${CONFIG//"$RULES_PATH"/"$work/rules.yml"}" >"$work/config.yml"
  check config "$work/config.yml" "$config_path"
  files+=("$config_path")
fi
if [ -n "$SCRAPE" ]; then
  printf '%s\n' "$SCRAPE" >"$work/scrape.yml"
  check config "$work/scrape.yml" "$SCRAPE_PATH"
  files+=("$SCRAPE_PATH")
fi

for file in "${files[@]}"; do keep "$file"; done
install_file "$RULES_PATH" 0644 root <"$work/rules.yml"
if [ -n "$SCRAPE" ]; then install_file "$SCRAPE_PATH" 0644 root <"$work/scrape.yml"; fi
if [ -n "$CONFIG" ]; then
  install_file "$config_path" 0644 root <<<"$CONFIG"
  CHANGED=0
  install_file /etc/default/prometheus 0644 root <<<"$DEFAULTS"
  if [ "$CHANGED" = 1 ]; then systemctl restart prometheus; else systemctl start prometheus; fi
fi
wait_for 60 "Prometheus does not answer at $URL on $HOST_NAME${CONTAINER:+, container $CONTAINER} (journalctl -u prometheus)" answers "$URL"

case "$RELOAD" in
  systemctl) reload='systemctl reload prometheus' ;;
  http) reload="curl -fsS -m 30 -X POST $URL/-/reload" ;;
esac
if ! reload_server "$URL" prometheus "$reload" "${files[@]}"; then
  journalctl -u prometheus -n 5 --no-pager -o cat >&2 || true
  for file in "${files[@]}"; do put_back "$file"; done
  $reload || true
  fail "Prometheus does not take the new files (its words are above): the former ones are back in place"
fi

# What it has, against what the files say.
wanted_rules() {
  sed -nE 's/^ *- name: *"?([^"]*)"?$/group \1/p; s/^ *- alert: *"?([^"]*)"?$/alert \1/p' "$RULES_PATH" |
    awk '$1 == "group" {group = $2; next} {print group, $2}' | sort
}
loaded_rules() {
  curl -fsS -m 10 "$URL/api/v1/rules" </dev/null |
    jq -r --arg file "$RULES_PATH" '.data.groups[] | select(.file == $file) | .name as $group | .rules[] | "\($group) \(.name)"' | sort
}
wanted=$(wanted_rules)
[ -n "$wanted" ] || fail "$RULES_PATH holds no alert"
loaded=$(loaded_rules) || fail "Prometheus at $URL cannot be asked for its rules"
if [ -z "$loaded" ]; then
  fail "Prometheus at $URL does not read $RULES_PATH: name it under rule_files in its configuration"
fi
[ "$loaded" = "$wanted" ] || fail "Prometheus at $URL has other rules than $RULES_PATH: $(diff <(echo "$wanted") <(echo "$loaded") | grep '^[<>]' | head -n 5)"

has_jobs() {
  local have
  have=$(curl -fsS -m 10 "$URL/api/v1/targets?state=active" </dev/null | jq -r '.data.activeTargets[].scrapePool' | sort -u)
  [ -z "$(sed -nE 's/^ *- job_name: *"?([^"]*)"?$/\1/p' "$jobs_file" | sort -u | comm -23 - <(printf '%s\n' "$have"))" ]
}
if [ -n "$CONFIG" ]; then
  jobs_file=$config_path hint=''
else
  jobs_file=$SCRAPE_PATH hint=': name it under scrape_config_files in its configuration'
fi
wait_for 30 "Prometheus at $URL does not scrape the jobs of $jobs_file$hint" has_jobs
