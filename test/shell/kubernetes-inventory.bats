#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What lives in a cluster, on answers as the API server gives them.

setup() {
  INVENTORY="$BATS_TEST_DIRNAME/../../scripts/coverage/kubernetes-inventory.sh"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  export ANSWERS="$BATS_TEST_TMPDIR/answers" PUSHED="$BATS_TEST_TMPDIR/pushed" CALLS="$BATS_TEST_TMPDIR/calls"
  export ACCOUNT_DIRECTORY="$BATS_TEST_TMPDIR/account" PUSHGATEWAY_URL=http://10.1.1.30:9091 STANZA=main API_URL=https://api.test
  mkdir -p "$STUBS" "$ANSWERS" "$ACCOUNT_DIRECTORY"
  echo secret-token >"$ACCOUNT_DIRECTORY/token"
  cat >"$ANSWERS/pods" <<'JSON'
{"items": [
 {"metadata": {"namespace": "shop", "name": "orders-1", "labels": {"cnpg.io/cluster": "orders"}}, "status": {"phase": "Running"},
  "spec": {"containers": [{"image": "local/pg:1"}], "volumes": [{"persistentVolumeClaim": {"claimName": "orders-1"}}, {"emptyDir": {}}]}},
 {"metadata": {"namespace": "blog", "name": "db-0", "labels": {"app": "db", "tier": "data"}}, "status": {"phase": "Running"},
  "spec": {"containers": [{"image": "local/pg:1", "ports": [{"containerPort": 5432}]}]}},
 {"metadata": {"namespace": "lost", "name": "by-hand", "labels": null}, "status": {"phase": "Running"},
  "spec": {"containers": [{"image": "registry:5000/library/postgres:17@sha256:00"}]}},
 {"metadata": {"namespace": "blog", "name": "web", "labels": {"app": "web"}}, "status": {"phase": "Running"},
  "spec": {"containers": [{"image": "nginx:1", "ports": [{"containerPort": 80}]}]}},
 {"metadata": {"namespace": "blog", "name": "dump-1", "labels": {}}, "status": {"phase": "Succeeded"},
  "spec": {"containers": [{"image": "postgres:17"}]}}]}
JSON
  cat >"$ANSWERS/services" <<'JSON'
{"items": [{"metadata": {"namespace": "blog", "name": "db"}, "spec": {"selector": {"app": "db"}}},
 {"metadata": {"namespace": "other", "name": "a"}, "spec": {"selector": {"app": "db"}}},
 {"metadata": {"namespace": "blog", "name": "all"}, "spec": {}}]}
JSON
  echo '{"items": [{"metadata": {"namespace": "shop", "name": "orders-1"}}, {"metadata": {"namespace": "blog", "name": "uploads"}}]}' \
    >"$ANSWERS/persistentvolumeclaims"
  cat >"$STUBS/curl" <<'STUB'
#!/usr/bin/env bash
echo "$*" >>"$CALLS"
for last; do :; done
case "$*" in
  *--data-binary*) [ "${GATEWAY:-up}" = up ] || exit 7; for word; do case $word in @*) cat "${word#@}" >"$PUSHED" ;; esac; done ;;
  *) [ "${API:-up}" = up ] || exit 22; cat "$ANSWERS/${last##*/}" ;;
esac
STUB
  chmod +x "$STUBS/curl"
  PATH="$STUBS:$PATH"
}

has() { grep -qxF -e "$1" "$PUSHED" || { cat "$PUSHED"; return 1; }; }

@test "what looks like a Postgres, by its cluster, its Service or itself, and every claim; the token stays off the command line" {
  run "$INVENTORY"
  [ "$status" -eq 0 ]
  for server in 'shop",source="orders' 'blog",source="db' 'lost",source="by-hand'; do
    has "restorable_live_database{place=\"kubernetes\",namespace=\"$server\",database=\"(unknown)\"} 1"
  done
  [ "$(grep -c '^restorable_live_database{' "$PUSHED")" -eq 3 ]
  has 'restorable_live_volume{place="kubernetes",namespace="shop",source="orders",name="orders-1"} 1'
  has 'restorable_live_volume{place="kubernetes",namespace="blog",source="",name="uploads"} 1'
  grep -q '^restorable_live_timestamp_seconds{place="kubernetes",reporter="inventory"} ' "$PUSHED"
  run ! grep -q secret-token "$CALLS"
}

@test "without an answer of the API, or with one that is none, nothing is pushed" {
  API=down run "$INVENTORY"
  [ "$status" -eq 1 ]
  echo '<html>' >"$ANSWERS/services"
  run "$INVENTORY"
  [ "$status" -eq 1 ]
  [ ! -e "$PUSHED" ]
}

@test "a Pushgateway that does not answer is a failure" {
  GATEWAY=down run "$INVENTORY"
  [ "$status" -eq 1 ]
  [[ $output == *"does not reach the Pushgateway"* ]]
}
