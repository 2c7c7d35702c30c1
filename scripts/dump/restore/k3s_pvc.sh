# shellcheck shell=bash disable=SC2154
# Volumes, claims and Longhorn's records, back into a cluster.

# What the API server gave the objects is its own matter: with it, none could be made again. A volume is bound to a claim by
# name, for the claim's number was that of another life.
# shellcheck disable=SC2016
strip='del(.status, .metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, .metadata.generation,
  .metadata.managedFields, .metadata.selfLink, .metadata.ownerReferences, .metadata.deletionTimestamp,
  .metadata.deletionGracePeriodSeconds,
  .metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"],
  .metadata.annotations["pv.kubernetes.io/bind-completed"], .metadata.annotations["pv.kubernetes.io/bound-by-controller"])
  | if .kind == "PersistentVolume" then del(.spec.claimRef.uid, .spec.claimRef.resourceVersion) else . end'

target() {
  local there
  documents <"$FILE" | jq -c "$strip" >"$work/objects" || { echo "the dump cannot be read: is Longhorn installed?" >&2; return 1; }
  there=$(kube get --ignore-not-found -o name -f "$work/objects" | wc -l) || return 1
  echo "it holds $(jq -r .kind "$work/objects" | LC_ALL=C sort | uniq -c | awk '{ print $1 " " $2 }' | paste -sd, | sed 's/,/, /g')"
  if [ "$there" -gt 0 ]; then
    echo "not empty: $there of them are there, and will be set to what the dump says; nothing is deleted"
  fi
}

load() {
  local space
  while IFS= read -r space; do
    kube get namespace "$space" >/dev/null 2>&1 || kube create namespace "$space" || return 1
  done < <(jq -r '.metadata.namespace // empty' "$work/objects" | LC_ALL=C sort -u)
  # Volumes first: a claim looks for its own.
  {
    jq -c 'select(.kind != "PersistentVolumeClaim")' "$work/objects"
    jq -c 'select(.kind == "PersistentVolumeClaim")' "$work/objects"
  } | kube apply -f - || { echo "not all of it went in: see the lines above" >&2; return 1; }
  echo "restored: $(wc -l <"$work/objects") objects"
}
