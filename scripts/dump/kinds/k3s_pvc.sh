# shellcheck shell=bash disable=SC2034,SC2153
# Volumes of a K3s cluster: which claim has which volume, and Longhorn's own records, by which a Longhorn that was installed
# anew adopts the replicas that are on its disks.
SUFFIX=volumes
END_OF_DUMP='# restorable: end of the dump'

kube() {
  local words=(kubectl)
  if ! command -v kubectl >/dev/null; then words=(k3s kubectl); fi
  KUBECONFIG="$KUBECONFIG" limited "${words[@]}" --request-timeout=120s "$@"
}

ready() {
  local answer
  command -v kubectl >/dev/null || command -v k3s >/dev/null || { echo "neither kubectl nor k3s on this host" >&2; return 1; }
  [ -r "$KUBECONFIG" ] || { echo "$KUBECONFIG is not there or cannot be read" >&2; return 1; }
  answer=$(kube version 2>&1) || { echo "the cluster does not answer: ${answer##*$'\n'}" >&2; return 1; }
}

produce() {
  kube get persistentvolumes,persistentvolumeclaims --all-namespaces -o yaml || return 1
  echo '---'
  kube get volumes.longhorn.io --all-namespaces -o yaml || return 1
  echo '---'
  kube get settings.longhorn.io --all-namespaces -o yaml || return 1
  # YAML that is cut off may still be YAML.
  echo "$END_OF_DUMP"
}

# documents <DUMP: its objects as a stream of JSON.
documents() { kube create --dry-run=client --validate=false -o json -f - | jq -c 'if .kind == "List" then .items[] else . end'; }

RECORDS='volumes and claims'
# records <DUMP: how many volumes, claims and Longhorn's volumes it has. Settings are in every cluster, a new one's too.
records() { documents | jq -s '[.[] | select(.kind == "PersistentVolume" or .kind == "PersistentVolumeClaim" or .kind == "Volume")] | length'; }

# content <DUMP
content() {
  local text names
  text=$(cat)
  [ "${text##*$'\n'}" = "$END_OF_DUMP" ] || { echo "the dump does not end as a whole one does: it broke off, or is empty" >&2; return 1; }
  names=$(documents <<<"$text" | jq -r '.kind + "/" + .metadata.name') || { echo "the dump is no YAML of the cluster's objects" >&2; return 1; }
  [ -n "$names" ] || { echo "the dump holds no volume, no claim and no setting" >&2; return 1; }
}
