#!/usr/bin/env bats
# What the monitor and the Incus hosts tell: nothing new without an answer.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load metrics_helper
  metrics_setup
  export LOOK_TIMEOUT_SECONDS=2
  stub psql <<'STUB'
cat >/dev/null
case "${MONITOR:-up}" in
  down) echo 'psql: error: connection refused' >&2; exit 2 ;;
  hangs) exec sleep 60 ;;
  garbage) printf 'node_healthy\ta\tmany\nprimaries\t\t1\nnumber_sync_standbys\t\t0\nmetrics_timestamp_seconds\t\t5\n' ;;
  unknown) printf 'surprise\t\t1\nprimaries\t\t1\nnumber_sync_standbys\t\t0\nmetrics_timestamp_seconds\t\t5\n' ;;
  half) printf 'node_healthy\ta\t1\n' ;;
  empty) ;;
  up) printf 'node_healthy\tb\t-1\nprimaries\t\t1\nnode_healthy\ta\t1\nnumber_sync_standbys\t\t0\nnode_state\ta",reported="primary",assigned="primary\t1\nmetrics_timestamp_seconds\t\t1795282456.14\n' ;;
esac
STUB
  stub incus <<'STUB'
case "$*" in
  *a-data/state*) [ "${INCUS:-up}" != down ] || exit 1; echo '{"usage": {"used": 100, "total": 0}}' ;;
  *b-data/state*)
    case "${INCUS:-up}" in
      up) echo '{"usage": {"used": 200, "total": 4096}}' ;;
      hangs) exec sleep 60 ;;
      uncounted) echo '{"usage": {"used": 0, "total": 0}}' ;;
      garbage) echo '<html>' ;;
      *) exit 1 ;;
    esac
    ;;
  'query /1.0/storage-pools') [ "${LIST:-up}" != down ] || exit 1; echo '["/1.0/storage-pools/pool", "/1.0/storage-pools/other"]' ;;
  */pool/volumes/custom'?project=p') echo '["/1.0/storage-pools/pool/volumes/custom/a-data?project=p", "/1.0/storage-pools/pool/volumes/custom/b-data"]' ;;
  */other/volumes/custom'?project=p') [ "${LIST:-up}" = up ] || { echo '{}'; exit; }; echo '["/1.0/storage-pools/other/volumes/custom/by-hand?project=p"]' ;;
  *a-data*) echo '{"config": {"size": "4GiB"}}' ;;
  *) echo '{"config": {}}' ;;
esac
STUB
}

formation() { run --separate-stderr timeout 30 "$SCRIPTS/node/formation-metrics.sh"; }

volumes() { run --separate-stderr timeout 30 "$SCRIPTS/metrics/host-metrics.sh"; }

@test "formation: what the monitor says, with what the settings expect" {
  formation
  [ "$status" -eq 0 ]
  readable restorable_formation.prom
  is restorable_formation.prom 'restorable_formation_node_healthy{node="a"}' 1
  is restorable_formation.prom 'restorable_formation_node_healthy{node="b"}' -1
  is restorable_formation.prom 'restorable_formation_node_state{node="a",reported="primary",assigned="primary"}' 1
  is restorable_formation.prom restorable_formation_metrics_timestamp_seconds 1795282456.14
  is restorable_formation.prom restorable_formation_nodes_expected 2
  is restorable_node.prom 'restorable_timer_active{timer="on.timer"}' 1
  [ "$(grep -c '# TYPE restorable_formation_node_healthy ' "$METRICS/restorable_formation.prom")" -eq 1 ]
}

@test "formation: without a usable answer the series stay, and the job fails" {
  formation
  before=$(cat "$METRICS/restorable_formation.prom")
  for state in down hangs garbage unknown half empty; do
    MONITOR=$state formation
    [ "$status" -eq 1 ]
    [[ $stderr == *"no usable answer"* ]]
    [ "$(cat "$METRICS/restorable_formation.prom")" = "$before" ]
  done
  rm "$METRICS/restorable_formation.prom"
  MONITOR=down formation
  [ ! -e "$METRICS/restorable_formation.prom" ]
}

@test "volumes: size and use in bytes, the size from the limit where Incus tells none" {
  volumes
  [ "$status" -eq 0 ]
  readable restorable_volumes.prom
  is restorable_volumes.prom 'restorable_volume_size_bytes{volume="a-data"}' 4294967296
  is restorable_volumes.prom 'restorable_volume_used_bytes{volume="a-data"}' 100
  is restorable_volumes.prom 'restorable_volume_size_bytes{volume="b-data"}' 4096
  is restorable_volumes.prom 'restorable_volume_used_bytes{volume="b-data"}' 200
  is restorable_host.prom 'restorable_timer_active{timer="off.timer"}' 0
}

@test "inventory: every volume of the project in every pool, whoever made it; without a list it stays as it was" {
  volumes
  readable restorable_live.prom
  for name in a-data b-data by-hand; do is restorable_live.prom "restorable_live_volume{place=\"incus\",namespace=\"p\",name=\"$name\"}" 1; done
  [ "$(value restorable_live.prom 'restorable_live_timestamp_seconds{place="incus",reporter="host-a"}')" -gt 1700000000 ]
  touch -d @1000 "$METRICS/restorable_live.prom"
  for state in down half; do
    LIST=$state volumes
    [ "$status" -eq 1 ]
    [[ $stderr == *"the inventory stays as it was"* ]]
    [ "$(stat -c %Y "$METRICS/restorable_live.prom")" -eq 1000 ]
    is restorable_volumes.prom 'restorable_volume_used_bytes{volume="b-data"}' 200
  done
}

@test "volumes: without an answer for each the file stays as it was, its time included" {
  volumes
  touch -d @1000 "$METRICS/restorable_volumes.prom"
  for state in down hangs uncounted garbage; do
    INCUS=$state volumes
    [ "$status" -eq 1 ]
    [ "$(stat -c %Y "$METRICS/restorable_volumes.prom")" -eq 1000 ]
    is restorable_volumes.prom 'restorable_volume_used_bytes{volume="b-data"}' 200
  done
  sed -i "s/^VOLUMES=.*/VOLUMES=''/" "$RESTORABLE_METRICS_ENV"
  rm "$METRICS/restorable_volumes.prom"
  volumes
  [ "$status" -eq 0 ]
  [ ! -e "$METRICS/restorable_volumes.prom" ]
}
