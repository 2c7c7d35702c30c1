# Makes one container, with its data volume, as wanted; changes an existing one in place. Runs on the host.
# Settings: NAME IMAGE POOL NETWORK ADDRESS CPU MEMORY DATA_SIZE DATA_PATH (both empty: no data volume)
#           of a formation's member also MEMBER (data or monitor) MAJOR PGDATA
incus() { command incus -q --project "$INCUS_PROJECT" "$@" </dev/null; }
MEMBER=${MEMBER:-} next=$NAME-next
begun=user.restorable.replacing carried=user.restorable.carried

# member ACTION [--begun]: asks the formation, from inside the container, with this version's script.
member() {
  incus exec "$NAME" --env KIND="$MEMBER" --env PG_MAJOR="$MAJOR" --env PGDATA="$PGDATA" --env WAIT_SECONDS="${WAIT_SECONDS:-}" -- \
    bash -c "$(cat "$BUNDLE/node/replacement.sh")" replacement.sh "$@"
}

standing=''
if ! incus info "$NAME" >/dev/null 2>&1 && incus info "$next" >/dev/null 2>&1 &&
  [ "$(incus config get "$next" $carried)/$(incus config get "$next" user.restorable.image)" = "yes/$IMAGE" ] &&
  [ "$(incus config get "$next" user.restorable.stack)" = "$STACK" ]; then
  say "the replacement goes on where it was cut off"
  incus rename "$next" "$NAME"
fi
if incus info "$NAME" >/dev/null 2>&1; then
  [ "$(incus config get "$NAME" user.restorable.stack)" = "$STACK" ] ||
    fail "an instance $NAME that is not of stack $STACK exists on host $HOST_NAME (project $INCUS_PROJECT); remove or rename it"
  standing=$(incus config get "$NAME" user.restorable.image)
fi
if [ "$standing" != "$IMAGE" ] && ! incus image info "$IMAGE" >/dev/null 2>&1; then
  fail "image $IMAGE cannot be found from host $HOST_NAME (project $INCUS_PROJECT): see \`incus image list\`${standing:+; container $NAME stays as it is, made from $standing}"
fi

volume=$NAME-data
if [ -n "$DATA_SIZE" ]; then
  if ! incus storage volume show "$POOL" "$volume" >/dev/null 2>&1; then
    incus storage volume create "$POOL" "$volume" size="$DATA_SIZE" >&2
    say "volume $volume made ($DATA_SIZE)"
  elif [ "$(incus storage volume get "$POOL" "$volume" size)" != "$DATA_SIZE" ]; then
    incus storage volume set "$POOL" "$volume" size="$DATA_SIZE" || fail "volume $volume cannot get size $DATA_SIZE"
    say "volume $volume is $DATA_SIZE now"
  fi
fi

ready() {
  incus exec "$NAME" -- sh -c "ip -4 -o addr show dev eth0 | grep -qw '$ADDRESS' && systemctl is-system-running | grep -Eq 'running|degraded'"
}
running() { [ "$(incus list "^$NAME\$" -f csv -c s)" = RUNNING ]; }

# What a member of the formation needs to come up complete, keys included, goes from the container to the next one,
# which has no network and no data volume yet. Then, last, the member takes its leave.
take_leave() {
  local status=0 had
  had=$(incus config get "$NAME" $begun)
  incus start "$next"
  command incus -q --project "$INCUS_PROJECT" exec "$NAME" -- bash -c "$(cat "$BUNDLE/node/replacement.sh")" replacement.sh carry </dev/null |
    command incus -q --project "$INCUS_PROJECT" exec "$next" -- tar -C / -xpf - || fail "files of container $NAME cannot be carried over to $next"
  incus stop "$next" --force
  incus config set "$next" $carried=yes $begun=yes
  incus config set "$NAME" $begun=yes
  # shellcheck disable=SC2086
  member prepare ${had:+--begun} || status=$?
  [ "$status" != 0 ] || return 0
  # Exit 3: nothing was done. Otherwise the next run goes on from here.
  [ "$status/$had" != 3/ ] || incus config unset "$NAME" $begun
  incus delete --force "$next"
  fail "container $NAME is not replaced by one of image $IMAGE (the line above says why); it stays, made from $standing"
}

# A container made from another image is replaced; its data is on the volume, which stays. The new one is made
# whole beside the old one first, so that nothing is lost where it cannot be made.
if [ "$standing" != "$IMAGE" ]; then
  if [ -n "$standing" ] && [ -n "$MEMBER" ]; then
    had=$(incus config get "$NAME" $begun)
    if ! running; then
      # It takes its leave like any other: what it holds and how the formation stands is known only when it runs.
      incus start "$NAME" || fail "container $NAME cannot be started, so it cannot be replaced safely: see docs/upgrade.md"
      say "started, to be replaced"
      wait_for 90 "container $NAME does not come up with address $ADDRESS" ready
      WAIT_SECONDS=120
    fi
    # shellcheck disable=SC2086
    member check ${had:+--begun} ||
      fail "container $NAME is not replaced by one of image $IMAGE (the line above says why); nothing was changed"
    WAIT_SECONDS=''
  fi
  if incus info "$next" >/dev/null 2>&1; then incus delete --force "$next"; fi
  # It has no network yet, about which Incus remarks at length.
  said=$(incus init "$IMAGE" "$next" --storage "$POOL" --no-profiles \
    -c user.restorable.stack="$STACK" -c user.restorable.image="$IMAGE" 2>&1) || fail "container $next cannot be made from $IMAGE: $said"
  if [ -n "$standing" ]; then
    [ -z "$MEMBER" ] || take_leave
    say "replaced: image $standing -> $IMAGE"
    incus stop "$NAME" --timeout 60 || incus stop "$NAME" --force || true
    incus delete --force "$NAME"
  fi
  incus rename "$next" "$NAME"
  say "made from $IMAGE"
fi

set_config() { [ "$(incus config get "$NAME" "$1")" = "$2" ] || { incus config set "$NAME" "$1=$2"; say "$1=$2"; }; }
set_config boot.autostart true
set_config limits.cpu "$CPU"
set_config limits.memory "$MEMORY"

devices=$(incus config device list "$NAME")
has_device() { printf '%s\n' "$devices" | grep -qx "$1"; }
if has_device eth0; then
  [ "$(incus config device get "$NAME" eth0 ipv4.address)" = "$ADDRESS" ] ||
    incus config device set "$NAME" eth0 ipv4.address="$ADDRESS" || fail "address $ADDRESS cannot be had: see \`incus network list-leases $NETWORK\`"
else
  # A container that is made anew has the hardware address of its predecessor: to another one the DHCP server does not
  # give the address before the former lease has ended, where its release was lost.
  hwaddr=$(sha256sum <<<"$STACK/$NAME/$ADDRESS" | sed -E 's/^(..)(..)(..)(..)(..).*/02:\1:\2:\3:\4:\5/')
  incus config device add "$NAME" eth0 nic network="$NETWORK" name=eth0 ipv4.address="$ADDRESS" hwaddr="$hwaddr" >&2 ||
    fail "no network card with address $ADDRESS on network $NETWORK: see \`incus network list-leases $NETWORK\`"
fi
if [ -n "$DATA_SIZE" ] && ! has_device data; then
  incus config device add "$NAME" data disk pool="$POOL" source="$volume" path="$DATA_PATH" >&2
fi

running || { incus start "$NAME"; say started; }
if [ -n "$MEMBER" ]; then
  # The volume of a container whose image numbered the user otherwise. The folder itself is changed last.
  # shellcheck disable=SC2016
  incus exec "$NAME" -- sh -c '[ "$(stat -c %U "$0")" = postgres ] || chown -R postgres:postgres "$0"' "$DATA_PATH"
fi
wait_for 90 "container $NAME does not come up with address $ADDRESS" ready

if [ -n "$MEMBER" ] && [ -n "$(incus config get "$NAME" $begun)" ]; then
  member rejoined --begun || fail "container $NAME runs from image $IMAGE, but the line above says what is missing: no other container is replaced until it is mended"
  incus config unset "$NAME" $begun
  incus config unset "$NAME" $carried
fi
