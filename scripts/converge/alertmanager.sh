# Gives an Alertmanager its configuration: checked with amtool before it replaces what runs, read by the server at once,
# and asked for afterwards. Runs in the monitoring container (DEFAULTS) or on a host whose Alertmanager exists.
# Settings: CONFIG_PATH CONFIG URL, DEFAULTS. Secrets: WEBHOOK_<RECEIVER>, each for one url_file
DEFAULTS=${DEFAULTS:-}
# shellcheck source=scripts/host/monitoring.sh
. "$(if [ -n "$CONTAINER" ]; then echo /usr/local/lib/restorable; else echo "$BUNDLE"; fi)/monitoring.sh"
for tool in amtool jq curl; do
  command -v "$tool" >/dev/null || fail "$tool is not installed here: Alertmanager's configuration is neither checked nor asked for without it"
done
getent group prometheus >/dev/null || fail "there is no group prometheus here: Alertmanager's webhooks would be readable by nobody or by everybody"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
owner=root:prometheus
umask 077

# webhook FILE: the URL that belongs into this file.
webhook() {
  local name
  name=$(basename "$1" .url)
  name=WEBHOOK_${name//-/_}
  name=${name^^}
  printf %s "${!name:-}"
}

webhook_files=()
while read -r file; do
  webhook_files+=("$file")
  [ -n "$(webhook "$file")" ] || fail "the configuration names $file, but its URL was not handed over"
done < <(sed -nE 's/^ *-? *url_file: *//p' <<<"$CONFIG")

# Before 0.26 Alertmanager knows no url_file: there the URLs stand in its configuration, which is as hard to read.
printf 'route: {receiver: x}\nreceivers: [{name: x, webhook_configs: [{url_file: /dev/null}]}]\n' >"$work/probe.yml"
if amtool check-config "$work/probe.yml" >/dev/null 2>&1; then
  printf '%s\n' "$CONFIG" >"$work/alertmanager.yml"
else
  while IFS= read -r line; do
    if [[ $line =~ ^(.*)url_file:\ (.*)$ ]]; then
      line="${BASH_REMATCH[1]}url: \"$(webhook "${BASH_REMATCH[2]}")\""
    fi
    printf '%s\n' "$line"
  done <<<"$CONFIG" >"$work/alertmanager.yml"
fi
if ! amtool check-config "$work/alertmanager.yml" >"$work/said" 2>&1; then
  sed "s|$work/alertmanager.yml|$CONFIG_PATH|g" "$work/said" >&2
  fail "amtool refuses $CONFIG_PATH: nothing was replaced, Alertmanager goes on with what it has"
fi

install -d -m 0750 -o root -g prometheus /etc/prometheus/webhooks
for file in ${webhook_files[@]+"${webhook_files[@]}"}; do
  # No line end: it would belong to the URL.
  install_file "$file" 0640 "$owner" < <(webhook "$file")
done
for file in /etc/prometheus/webhooks/*.url; do
  case " ${webhook_files[*]-} " in *" $file "*) ;; *) rm -f "$file" ;; esac
done
umask 022
keep "$CONFIG_PATH"
# Somebody's own configuration, from before the first time.
if [ -z "$CONTAINER" ] && [ -e "$CONFIG_PATH" ] && [ ! -e "$CONFIG_PATH.before-restorable" ] && [ ! -e "${manifest%.new}" ]; then
  cp -p "$CONFIG_PATH" "$CONFIG_PATH.before-restorable"
fi
install_file "$CONFIG_PATH" 0640 "$owner" <"$work/alertmanager.yml"
if [ -n "$DEFAULTS" ]; then
  CHANGED=0
  install_file /etc/default/prometheus-alertmanager 0644 root <<<"$DEFAULTS"
  if [ "$CHANGED" = 1 ]; then systemctl restart prometheus-alertmanager; else systemctl start prometheus-alertmanager; fi
fi
wait_for 60 "Alertmanager does not answer at $URL on $HOST_NAME${CONTAINER:+, container $CONTAINER} (journalctl -u prometheus-alertmanager)" answers "$URL"

reload='systemctl reload prometheus-alertmanager'
if ! reload_server "$URL" alertmanager "$reload" "$CONFIG_PATH"; then
  journalctl -u prometheus-alertmanager -n 5 --no-pager -o cat >&2 || true
  put_back "$CONFIG_PATH"
  $reload || true
  fail "Alertmanager does not take the new configuration (its words are above): the former one is back in place"
fi
have=$(curl -fsS -m 10 "$URL/api/v2/receivers" </dev/null | jq -r '.[].name' | sort) || fail "Alertmanager at $URL cannot be asked for its receivers"
want=$(sed -nE 's/^ *- name: *"?([^"]*)"?$/\1/p' "$CONFIG_PATH" | sort)
[ "$have" = "$want" ] || fail "Alertmanager at $URL has other receivers than $CONFIG_PATH: $(tr '\n' ' ' <<<"$have")"
