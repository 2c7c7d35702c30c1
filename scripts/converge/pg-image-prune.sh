# Removes this stack's prepared images that no container is made from any more. Runs on the host. Settings: ALIAS
incus() { command incus -q --project "$INCUS_PROJECT" "$@" </dev/null; }
. "$BUNDLE/image.sh"
prune_images "$ALIAS"
