# Installs Prometheus, Alertmanager and node_exporter from Debian's packages; does nothing where they are.
# Prometheus and Alertmanager are started by the steps that configure them; their units reload with procps' kill.
# With PUSHGATEWAY a Pushgateway beside them, for jobs that end before anybody scrapes them.
# Settings: ADDRESS METRICS_DIR, PUSHGATEWAY
PUSHGATEWAY=${PUSHGATEWAY:-}
packages="prometheus prometheus-alertmanager prometheus-node-exporter curl jq ca-certificates procps${PUSHGATEWAY:+ prometheus-pushgateway}"
# shellcheck disable=SC2016,SC2086
installed=$(dpkg-query -W -f='${db:Status-Status}\n' $packages 2>/dev/null | grep -cx installed) || true
if [ "$installed" != "$(wc -w <<<"$packages")" ]; then
  say "installing $packages"
  export DEBIAN_FRONTEND=noninteractive
  # Services start once their configuration is there, not with the packages' own.
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  # Without this mode an unreachable source counts as success, and its packages would come from another one.
  # shellcheck disable=SC2086
  {
    dpkg --configure -a --force-unsafe-io >/dev/null &&
      apt-get -qq -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update &&
      apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io -o DPkg::Options::=--force-confold \
        install -y --no-install-recommends $packages >/dev/null
  } </dev/null || fail "packages cannot be installed: is the package source reachable from this container? ($packages)"
  rm -f /usr/sbin/policy-rc.d
  apt-get clean
  rm -rf /var/lib/apt/lists/*
  # shellcheck disable=SC2016
  say "$(dpkg-query -W -f='${Package} ${Version}, ' prometheus prometheus-alertmanager prometheus-node-exporter | sed 's/, $//')"
fi

# The data volume outlives the container, the user's number may not.
for folder in /var/lib/prometheus{,/metrics2,/alertmanager} ${PUSHGATEWAY:+/var/lib/prometheus/pushgateway}; do
  install -d -m 0755 "$folder"
  [ "$(stat -c %U "$folder")" = prometheus ] || chown -R prometheus:prometheus "$folder"
done

install -d -m 0755 "$METRICS_DIR"
CHANGED=0
install_file /etc/default/prometheus-node-exporter 0644 root \
  <<<"ARGS=\"--collector.textfile.directory=$METRICS_DIR --web.listen-address=$ADDRESS:9100\""
systemctl enable -q prometheus prometheus-alertmanager prometheus-node-exporter
if [ "$CHANGED" = 1 ]; then systemctl restart prometheus-node-exporter; else systemctl start prometheus-node-exporter; fi

# What was pushed is kept over a restart: a lost figure would look like a job that never ran.
if [ -n "$PUSHGATEWAY" ]; then
  CHANGED=0
  install_file /etc/default/prometheus-pushgateway 0644 root \
    <<<"ARGS=\"--web.listen-address=$ADDRESS:$PUSHGATEWAY --persistence.file=/var/lib/prometheus/pushgateway/metrics --persistence.interval=30s\""
  systemctl enable -q prometheus-pushgateway
  if [ "$CHANGED" = 1 ]; then systemctl restart prometheus-pushgateway; else systemctl start prometheus-pushgateway; fi
elif systemctl is-enabled -q prometheus-pushgateway 2>/dev/null; then
  systemctl disable -q --now prometheus-pushgateway
fi
