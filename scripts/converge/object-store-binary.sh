# Puts the S3 server's binary into the store's container. Runs on the host.
# Settings: CONTAINER_NAME BINARY (path on this host)
incus() { command incus -q --project "$INCUS_PROJECT" "$@" </dev/null; }
[ -x "$BINARY" ] || fail "no S3 server at $BINARY on host $HOST_NAME (setting objectStore.binary)"
wanted=$(sha256sum "$BINARY" | cut -d' ' -f1)
if [ "$(incus exec "$CONTAINER_NAME" -- sha256sum /usr/local/bin/versitygw 2>/dev/null | cut -d' ' -f1)" != "$wanted" ]; then
  incus file push --mode=0755 --uid=0 --gid=0 "$BINARY" "$CONTAINER_NAME/usr/local/bin/versitygw.new"
  incus exec "$CONTAINER_NAME" -- mv /usr/local/bin/versitygw.new /usr/local/bin/versitygw
  incus exec "$CONTAINER_NAME" -- systemctl try-restart versitygw.service 2>/dev/null || true
  say "S3 server installed"
fi
