# Gives an Alertmanager that goes on its former configuration back. Settings: CONFIG_PATH
if [ -e "$CONFIG_PATH.before-restorable" ]; then
  mv -f "$CONFIG_PATH.before-restorable" "$CONFIG_PATH"
  systemctl reload prometheus-alertmanager || say "Alertmanager could not be told to read its configuration again"
else
  say "$CONFIG_PATH stays without its webhooks: there was none before, and Alertmanager does not start without one"
fi
rm -rf /etc/prometheus/webhooks
