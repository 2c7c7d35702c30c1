#!/usr/bin/env bats
# What a data node tells about its repositories: never a good value that nobody measured.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load metrics_helper
  metrics_setup
  export INFO="$BATS_TEST_TMPDIR/info.json" LS="$BATS_TEST_TMPDIR/ls.json"
  export LOOK_TIMEOUT_SECONDS=2
  stub pgbackrest <<'STUB'
repo=$(sed 's/.*--repo=\([0-9]*\).*/\1/' <<<"$*")
case " ${DOWN:-} " in *" $repo "*) echo "ERROR: [049]: cannot connect" >&2; exit 49 ;; esac
case " ${HANGS:-} " in *" $repo "*) exec sleep 60 ;; esac
case "$*" in
  *" info") sed "s/\"REPO\"/$repo/g" "$INFO" ;;
  *" repo-ls archive/main/17-1/0000000200000000") [ -z "${LS_DOWN:-}" ] || exit 49; cat "$LS" ;;
  *) exit 31 ;;
esac
STUB
  info 0 '[
    {"type": "full", "timestamp": {"stop": 1000}, "info": {"repository": {"delta": 11}}, "error": false, "database": {"id": 1, "repo-key": "REPO"}},
    {"type": "full", "timestamp": {"stop": 3000}, "info": {"repository": {"delta": 33}}, "error": false, "database": {"id": 1, "repo-key": "REPO"}},
    {"type": "full", "timestamp": {"stop": 4000}, "info": {"repository": {"delta": 44}}, "error": true, "database": {"id": 1, "repo-key": "REPO"}},
    {"type": "diff", "timestamp": {"stop": 3500}, "info": {"repository": {"delta": 5}}, "error": false, "database": {"id": 1, "repo-key": "REPO"}}]' \
    '[{"id": "17-1", "min": "000000010000000000000003", "max": "00000002000000000000001A", "database": {"id": 1, "repo-key": "REPO"}}]'
  cat >"$LS" <<'JSON'
{"000000020000000000000019-6aae3a8b9c0d1e2f30415263748596a7b8c9d0e1.zst": {"type": "file", "size": 5, "time": 5000},
 "00000002000000000000001A-6aae3a8b9c0d1e2f30415263748596a7b8c9d0e1.zst": {"type": "file", "size": 5, "time": 5060},
 "00000002000000000000001A.00000028.backup": {"type": "file", "size": 5, "time": 9999}}
JSON
}

# info CODE BACKUPS ARCHIVE
info() {
  echo "[{\"name\": \"main\", \"repo\": [{\"key\": \"REPO\", \"status\": {\"code\": $1}}], \"backup\": $2, \"archive\": $3, \"status\": {\"code\": $1}}]" >"$INFO"
}

look() { run --separate-stderr timeout 30 "$SCRIPTS/node/backup-metrics.sh"; }

repo() { is "restorable_repository_${3:-1}.prom" "restorable_repository_$1" "$2"; }

L='{stanza="main",repo="1"}'
T='{stanza="main",repo="1",type='

@test "a repository that answers: newest of each type, range and age of the WAL; a backup with bad pages does not count" {
  look
  [ "$status" -eq 0 ]
  readable restorable_repository_1.prom
  repo "reachable$L" 1
  repo "last_backup_timestamp_seconds$T\"full\"}" 3000
  repo "last_backup_size_bytes$T\"full\"}" 33
  repo "backups$T\"full\"}" 2
  repo "last_backup_timestamp_seconds$T\"diff\"}" 3500
  repo "backups$T\"incr\"}" 0
  repo "newest_wal_timestamp_seconds$L" 5060
  repo "wal_timeline$L" 2
  repo 'wal_info{stanza="main",repo="1",min="000000010000000000000003",max="00000002000000000000001A"}' 1
  [ "$(value restorable_repository_1.prom "restorable_repository_look_timestamp_seconds$L")" -ge "$(($(date +%s) - 30))" ]
}

@test "nothing in the repository yet is an answer: 0 backups, the last one at 0" {
  for code in 1 2 3; do
    info "$code" '[]' '[]'
    look
    [ "$status" -eq 0 ]
    repo "reachable$L" 1
    repo "backups$T\"full\"}" 0
    repo "last_backup_timestamp_seconds$T\"full\"}" 0
    repo "newest_wal_timestamp_seconds$L" 0
    run ! grep -q '_wal_info{' "$METRICS/restorable_repository_1.prom"
  done
}

@test "a store that is down: reachable 0, all else as the last answer left it" {
  look
  before=$(grep -v _reachable "$METRICS/restorable_repository_1.prom")
  DOWN=1 look
  [ "$status" -eq 0 ]
  [[ $stderr == *"repository 1 of stanza main gave no usable answer"* ]]
  readable restorable_repository_1.prom
  repo "reachable$L" 0
  [ "$(grep -v _reachable "$METRICS/restorable_repository_1.prom")" = "$before" ]
  DOWN=1 look
  [ "$(grep -v _reachable "$METRICS/restorable_repository_1.prom")" = "$before" ]
  look
  repo "reachable$L" 1
}

@test "a store that was never reached has reachable 0 and no other value" {
  DOWN=1 look
  repo "reachable$L" 0
  [ "$(grep -c '^restorable' "$METRICS/restorable_repository_1.prom")" -eq 1 ]
}

@test "a store that hangs does not hang the job" {
  begin=$SECONDS
  HANGS=1 look
  [ "$status" -eq 0 ]
  [ $((SECONDS - begin)) -lt 25 ]
  repo "reachable$L" 0
}

@test "answers that are none: reachable 0" {
  look
  for answer in '' 'not json' '[]' '{}' '[{"name": "other", "repo": []}]' '[{"name": "main"}]'; do
    echo "$answer" >"$INFO"
    look
    [ "$status" -eq 0 ]
    repo "reachable$L" 0
    repo "last_backup_timestamp_seconds$T\"full\"}" 3000
  done
  # pgBackRest ends with 0 and tells the failure in the status.
  info 99 '[]' '[]'
  look
  repo "reachable$L" 0
  repo "backups$T\"full\"}" 2
}

@test "a list of segments that cannot be had, or holds none, is no answer" {
  LS_DOWN=1 look
  repo "reachable$L" 0
  echo '{}' >"$LS"
  look
  repo "reachable$L" 0
  run ! grep -q newest_wal "$METRICS/restorable_repository_1.prom"
}

@test "several repositories: each for itself" {
  sed -i "s/^REPOSITORIES=.*/REPOSITORIES='1 2'/" "$RESTORABLE_METRICS_ENV"
  DOWN=2 look
  [ "$status" -eq 0 ]
  repo "reachable$L" 1
  repo 'reachable{stanza="main",repo="2"}' 0 2
  look
  repo 'reachable{stanza="main",repo="2"}' 1 2
  repo 'last_backup_timestamp_seconds{stanza="main",repo="2",type="full"}' 3000 2
}

@test "dropped WAL is counted once, over a log that starts anew" {
  log="$ARCHIVE_LOGS/main-archive-push-async.log"
  look
  is restorable_node.prom restorable_wal_dropped_total 0
  printf 'P00 WARN: dropped WAL file 1\nP00 INFO: pushed\n' >"$log"
  look
  look
  is restorable_node.prom restorable_wal_dropped_total 1
  printf 'P00 WARN: dropped WAL file 2\nP00 WARN: dropped WAL file 3\n' >>"$log"
  look
  is restorable_node.prom restorable_wal_dropped_total 3
  cp "$log" "$log.1"
  : >"$log"
  look
  is restorable_node.prom restorable_wal_dropped_total 3
  echo 'P00 WARN: dropped WAL file 4' >>"$log"
  look
  is restorable_node.prom restorable_wal_dropped_total 4
}

@test "timers and certificates: what cannot be asked is not well" {
  look
  readable restorable_node.prom
  is restorable_node.prom 'restorable_timer_active{timer="on.timer"}' 1
  is restorable_node.prom 'restorable_timer_active{timer="off.timer"}' 0
  ends=$(value restorable_node.prom "restorable_certificate_expiry_timestamp_seconds{file=\"$BATS_TEST_TMPDIR/good.crt\"}")
  days=$(((ends - $(date +%s)) / 86400))
  [ "$days" -ge 9 ] && [ "$days" -le 10 ]
  is restorable_node.prom "restorable_certificate_expiry_timestamp_seconds{file=\"$BATS_TEST_TMPDIR/bad.crt\"}" 0
  is restorable_node.prom "restorable_certificate_expiry_timestamp_seconds{file=\"$BATS_TEST_TMPDIR/none.crt\"}" 0
  SYSTEMD=down look
  is restorable_node.prom 'restorable_timer_active{timer="on.timer"}' 0
}

@test "a folder that cannot be written, missing settings, wrong use; --help" {
  sed -i "s|^METRICS_DIRECTORY=.*|METRICS_DIRECTORY=$BATS_TEST_TMPDIR/none|" "$RESTORABLE_METRICS_ENV"
  look
  [ "$status" -eq 1 ]
  RESTORABLE_METRICS_ENV=/none look
  [ "$status" -eq 2 ]
  for script in node/backup-metrics.sh node/formation-metrics.sh metrics/host-metrics.sh; do
    run "$SCRIPTS/$script" --help
    [ "$status" -eq 0 ]
    [[ $output == Usage:* ]]
    run "$SCRIPTS/$script" nonsense
    [ "$status" -eq 2 ]
  done
}
