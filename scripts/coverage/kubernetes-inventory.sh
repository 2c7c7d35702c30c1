#!/usr/bin/env bash
# What lives in a Kubernetes cluster, for the coverage ledger: every server that looks like a Postgres, and every volume claim,
# whoever made them. Runs in a pod, as a service account that may only read; its figures go to a Pushgateway.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: kubernetes-inventory.sh [--help]
Lists pods, Services and claims of all namespaces at the cluster's API. A pod that runs counts as a Postgres when it carries
CloudNativePG's label cnpg.io/cluster, when a container of it has port 5432, or when an image is called so. It goes by the name of its CNPG
cluster, else of the first Service in front of it, else by its own. Which databases a server holds is told by its dump jobs: a server of
which no job tells is one database with the name (unknown).

Pushes restorable_live_database, restorable_live_volume and restorable_live_timestamp_seconds, as a whole. Without an answer of the API
nothing is pushed, and what was pushed before gets old.

Exit: 0 pushed; 1 no answer of the API, or of the Pushgateway; 2 wrong use or settings.

From the environment:
  PUSHGATEWAY_URL         where the figures go
  STANZA                  whose figures they are: label `stanza`
  API_URL                 the cluster's API (https://kubernetes.default.svc)
  ACCOUNT_DIRECTORY       token and ca.crt (/var/run/secrets/kubernetes.io/serviceaccount)
TEXT
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for TEXTFILE in "$here/textfile.sh" "$here/../metrics/textfile.sh"; do [ ! -f "$TEXTFILE" ] || break; done
# shellcheck source=scripts/metrics/textfile.sh
. "$TEXTFILE"
only_help "$@"
for name in PUSHGATEWAY_URL STANZA; do
  [ -n "${!name:-}" ] || { echo "$name is not set" >&2; exit 2; }
done
account=${ACCOUNT_DIRECTORY:-/var/run/secrets/kubernetes.io/serviceaccount}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# api PATH: the answer. The token goes in a file of curl's own, not on its command line.
api() {
  (umask 077; printf 'header = "Authorization: Bearer %s"\n' "$(cat "$account/token")" >"$work/curl")
  curl -fsS -m 60 --retry 2 --cacert "$account/ca.crt" -K "$work/curl" "${API_URL:-https://kubernetes.default.svc}$1"
}

for kind in pods services persistentvolumeclaims; do
  api "/api/v1/$kind" >"$work/$kind" || { echo "the cluster's API gives no answer: no inventory" >&2; exit 1; }
done

inventory() {
  jq -rn --slurpfile pods "$work/pods" --slurpfile services "$work/services" --slurpfile claims "$work/persistentvolumeclaims" --argjson at "$(date +%s)" '
    def text: tostring | gsub("\\\\"; "\\\\") | gsub("\""; "\\\"");
    def postgres: .metadata.labels["cnpg.io/cluster"] != null
      or any(.spec.containers[]; any(.ports[]?; .containerPort == 5432)
        or (.image | sub("@.*"; "") | sub(".*/"; "") | test("^(postgres|postgresql|postgis|timescaledb|pgvector)([:-]|$)")));
    def source: . as $pod | .metadata.labels["cnpg.io/cluster"]
      // ([$services[0].items[] | select(.metadata.namespace == $pod.metadata.namespace and (.spec.selector // {}) != {})
           | select(.spec.selector | to_entries | all($pod.metadata.labels[.key] == .value)) | .metadata.name] | sort | first)
      // .metadata.name;
    [$pods[0].items[] | select(.status.phase == "Running") | select(postgres)
      | {namespace: .metadata.namespace, source: source, claims: [.spec.volumes[]?.persistentVolumeClaim.claimName // empty]}] as $servers
    | "# HELP restorable_live_database 1: this database lives.", "# TYPE restorable_live_database gauge",
      ($servers | map({namespace, source}) | unique[]
        | "restorable_live_database{place=\"kubernetes\",namespace=\"\(.namespace | text)\",source=\"\(.source | text)\",database=\"(unknown)\"} 1"),
      "# HELP restorable_live_volume 1: this volume lives.", "# TYPE restorable_live_volume gauge",
      ($claims[0].items[] | . as $claim
        | ([$servers[] | select(.namespace == $claim.metadata.namespace and any(.claims[]; . == $claim.metadata.name)) | .source] | first // "") as $source
        | "restorable_live_volume{place=\"kubernetes\",namespace=\"\(.metadata.namespace | text)\",source=\"\($source | text)\",name=\"\(.metadata.name | text)\"} 1"),
      "# HELP restorable_live_timestamp_seconds When the inventory was taken.", "# TYPE restorable_live_timestamp_seconds gauge",
      "restorable_live_timestamp_seconds{place=\"kubernetes\",reporter=\"inventory\"} \($at)"'
}

inventory >"$work/series" || { echo "the cluster's API gives answers that are none: no inventory" >&2; exit 1; }
curl -fsS -m 20 --retry 3 --retry-connrefused -o /dev/null -X PUT --data-binary "@$work/series" \
  "$PUSHGATEWAY_URL/metrics/job/restorable_inventory/stanza@base64/$(printf %s "$STANZA" | base64 -w 0 | tr '+/' '-_')" || {
  echo "the inventory does not reach the Pushgateway at $PUSHGATEWAY_URL" >&2
  exit 1
}
grep -c '} 1$' "$work/series" | sed 's/$/ servers and volumes/'
