# Removes the stack's prepared images and the builder. Runs on the host. Settings: ALIAS
incus() { command incus -q --project "$INCUS_PROJECT" "$@" </dev/null; }
builder=restorable-image-build-$(cksum <<<"$HOST_NAME/$INCUS_PROJECT" | cut -d' ' -f1)
incus delete --force "$builder" 2>/dev/null || true
if incus image info "$ALIAS" >/dev/null 2>&1; then incus image delete "$ALIAS"; fi
. "$BUNDLE/image.sh"
prune_images ""
