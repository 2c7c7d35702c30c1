# Builds the image that data nodes, the monitor and the drill start from: the base image plus the packages.
# Runs on the host. Another package list, source, revision or base gives another alias. Built again under the same one
# when the base image itself changed, or when a node was given newer packages by hand.
# Settings: ALIAS BASE MAJOR POOL NETWORK PACKAGES PACKAGE_SOURCE REVISION
incus() { command incus -q --project "$INCUS_PROJECT" "$@" </dev/null; }
# A name of the host's own: two projects on one network cannot have instances of the same name.
builder=restorable-image-build-$(cksum <<<"$HOST_NAME/$INCUS_PROJECT" | cut -d' ' -f1)

# Containers made from the image of another major version would be replaced by this one's, and their clusters be of
# no use in it: refused here, before any of them is touched.
others=$(incus list -f csv -c n,user.restorable.stack:stack,user.restorable.image:image |
  awk -F, -v stack="$STACK" -v major="$MAJOR" \
    '$2 == stack && $3 ~ /^restorable-pg[0-9]/ && $3 !~ ("^restorable-pg" major "(-|$)") {printf "%s%s (%s)", sep, $1, $3; sep = ", "}')
[ -z "$others" ] || fail "refused: postgres.major is $MAJOR, but this formation stands on another version: $others. Changing the setting is no upgrade; nothing was changed. Set it back"

base=$(incus image info "$BASE" 2>/dev/null | sed -n 's/^Fingerprint: *//p') || base=''
[ -n "$base" ] || fail "image $BASE cannot be found on host $HOST_NAME (project $INCUS_PROJECT): see \`incus image list\`"
key=$(printf '%s\n' "$base" "$PACKAGES" "$PACKAGE_SOURCE" "$REVISION" | sha256sum | cut -c1-16)
. "$BUNDLE/image.sh"
# What an update that went no further left behind; images in use stay until pg-image-prune.
prune_images "$ALIAS"
if [ "$(incus image get-property "$ALIAS" restorable.key 2>/dev/null)" != "$key" ] || [ -n "$(image_behind "$INCUS_PROJECT" "$ALIAS")" ]; then
  say "building image $ALIAS: $PACKAGES"
  incus delete --force "$builder" 2>/dev/null || true
  incus init "$BASE" "$builder" --storage "$POOL" --no-profiles -c user.restorable.stack="$STACK" >/dev/null
  incus config device add "$builder" eth0 nic network="$NETWORK" name=eth0
  incus start "$builder"
  online() { incus exec "$builder" -- sh -c 'ip -4 -o addr show dev eth0 | grep -q inet && getent hosts localhost'; }
  wait_for 60 "builder container $builder gets no address on network $NETWORK" online
  # shellcheck disable=SC2016
  command incus -q --project "$INCUS_PROJECT" exec "$builder" -- bash -s "$PACKAGE_SOURCE" "$PACKAGES" "$MAJOR" >/dev/null <<'INSTALL' ||
set -eu
# Nothing is to start here: without systemd's reload at every unit, and without the services.
export DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
mkdir -p /etc/postgresql-common
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
# The same numbers in every image: the files on a data volume outlive the container and belong to them.
if ! getent passwd postgres >/dev/null; then
  groupadd --system --gid 432 postgres
  useradd --system --uid 432 --gid postgres --no-create-home --home-dir /var/lib/postgresql --shell /bin/bash --comment 'PostgreSQL administrator' postgres
fi
[ -z "$1" ] || printf '%s\n' "$1" >/etc/apt/sources.list.d/restorable.list
# Without this mode an unreachable source counts as success, and its packages would come from another one.
apt-get -qq -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update
# shellcheck disable=SC2086
apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends $2 >/dev/null
# Jobs call it every few seconds: the program itself, not Debian's wrapper in Perl, which costs more than the query.
ln -sf "/usr/lib/postgresql/$3/bin/psql" /usr/local/bin/psql
systemctl disable postgresql.service >/dev/null 2>&1 || true
# Nothing listens that the stack has not configured.
systemctl disable prometheus-node-exporter.service prometheus-postgres-exporter.service >/dev/null 2>&1 || true
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d
INSTALL
    {
      incus delete --force "$builder" || true
      fail "packages cannot be installed in $builder on host $HOST_NAME: is the package source reachable from network $NETWORK? ($PACKAGES)"
    }
  # shellcheck disable=SC2016
  versions=$(incus exec "$builder" -- dpkg-query -W -f='${Package}=${Version} ' "postgresql-$MAJOR" pgbackrest pg-auto-failover-cli)
  incus stop "$builder" --timeout 30 || incus stop "$builder" --force
  incus publish "$builder" --alias "$ALIAS" --reuse --compression none restorable.key="$key" restorable.stack="$STACK" description="$versions" >&2
  incus delete --force "$builder"
  say "image $ALIAS: $versions"
fi
track_image "$ALIAS"
