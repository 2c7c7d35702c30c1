# Removes one container, and its data volume unless it is kept. Runs on the host.
# Settings: NAME POOL DATA_SIZE KEEP_DATA
incus() { command incus -q --project "$INCUS_PROJECT" "$@" </dev/null; }

if incus info "$NAME" >/dev/null 2>&1; then
  [ "$(incus config get "$NAME" user.restorable.stack)" = "$STACK" ] || fail "instance $NAME is not of stack $STACK: left alone"
  incus delete --force "$NAME"
fi
incus delete --force "$NAME-next" 2>/dev/null || true
if [ -n "$DATA_SIZE" ] && [ "${KEEP_DATA:-false}" != true ] && incus storage volume show "$POOL" "$NAME-data" >/dev/null 2>&1; then
  incus storage volume delete "$POOL" "$NAME-data" >&2
fi
rm -rf "${STATE_DIR:?}/steps/$NAME" "$STATE_DIR/steps/$NAME.attached" "$STATE_DIR/manifest/$NAME".*
