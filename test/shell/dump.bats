#!/usr/bin/env bats
# The daily dumps of hosts, and their restore: what may go wrong, with stand-ins for Docker.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load dump_helper
  dump_setup
}

# The earlier dump is there as it was, nothing else is, and the metrics say so.
only_the_old_one() {
  [ "$status" -eq 1 ]
  [ "$(dumps)" = "$1" ]
  [ "$(stat -c %s "$FOLDER/$1")" = 100 ]
  [ "$(series failed "${2:-postgres}")" = 1 ]
  [[ $stderr == *"failed; the earlier ones are as they were"* ]]
}

@test "a dump that is whole: its name, its mode, its figures" {
  run_backup
  [ "$status" -eq 0 ]
  [ "$(dumps)" = "backup_$TODAY.sql.gz" ]
  [ "$(stat -c %a "$FOLDER/backup_$TODAY.sql.gz")" = 600 ]
  [ "$(stat -c %a "$FOLDER")" = 700 ]
  gzip -dc "$FOLDER/backup_$TODAY.sql.gz" | grep -qx 'CREATE ROLE app;'
  [ "$(series failed postgres)" = 0 ]
  [ "$(series size_bytes postgres)" = "$(stat -c %s "$FOLDER/backup_$TODAY.sql.gz")" ]
  [ "$(series last_success_timestamp_seconds postgres)" -gt 1700000000 ]
  grep -q '^veza_dump_duration_seconds{kind="postgres",host="docker-1"} [0-9]' "$METRICS_FILE"
  grep -qx 'docker exec db pg_dumpall -U someone --no-password --lock-wait-timeout=300s' "$CALLS"
}

@test "the mount is missing: refused, nothing written" {
  rmdir "$ROOT"
  mkdir "$ROOT"
  NOT_MOUNTED=1 run_backup
  [ "$status" -eq 1 ]
  [[ $stderr == *"$ROOT is not mounted: refused"* ]]
  [ -z "$(ls -A "$ROOT")" ]
  [ "$(series failed postgres)" = 1 ]
  [ "$(series last_success_timestamp_seconds postgres)" = 0 ]
}

@test "without requireMount a folder will do, but it must be there" {
  sed -i 's/REQUIRE_MOUNT=1/REQUIRE_MOUNT=0/' "$RESTORABLE_DUMP_ENV"
  NOT_MOUNTED=1 run_backup
  [ "$status" -eq 0 ]
  rm -r "$ROOT"
  run_backup
  [ "$status" -eq 1 ]
  [[ $stderr == *"$ROOT is not there"* ]]
}

@test "the container is gone in mid-dump: no file of 20 bytes" {
  old=$(old_dump 1)
  DOCKER_GONE=1 run_backup
  only_the_old_one "$old"
}

@test "a container that does not run: said, with those that do" {
  old=$(old_dump 1)
  DUMPED_CONTAINER=wrong run_backup
  only_the_old_one "$old"
  [[ $stderr == *"no container wrong runs on this host; what runs: db web"* ]]
  RUNNING='' run_backup
  [[ $stderr == *"what runs: none"* ]]
}

@test "docker does not answer" {
  DOCKER_DOWN=1 run_backup
  [ "$status" -eq 1 ]
  [[ $stderr == *"docker does not answer: Cannot connect"* ]]
}

@test "a dump that breaks off with an exit code, and one without" {
  old=$(old_dump 1)
  BROKEN_OFF=1 run_backup
  only_the_old_one "$old"
  BROKEN_OFF=0 run_backup
  only_the_old_one "$old"
  [[ $stderr == *"it broke off, or is empty"* ]]
}

@test "much smaller than the last one: refused, unless told" {
  old=$(old_dump 1 100000)
  BYTES=200 run_backup
  [ "$status" -eq 1 ]
  [ "$(dumps)" = "$old" ]
  [[ $stderr == *"--allow-smaller"* ]]
  [ "$(series failed postgres)" = 1 ]
  BYTES=200 run_backup --allow-smaller
  [ "$status" -eq 0 ]
  [ "$(dumps)" = "$old backup_$TODAY.sql.gz" ]
  BYTES=200 run_backup
  [ "$status" -eq 0 ]
}

@test "another run holds the lock: nothing is touched, the metrics neither" {
  exec 7>"$DUMP_LOCK"
  flock 7
  run_backup
  [ "$status" -eq 75 ]
  [ ! -e "$METRICS_FILE" ]
  run_restore --yes
  [ "$status" -eq 75 ]
}

@test "prunes what is older than the days that are kept, after a good dump only, and nothing else" {
  old_dump 5 >/dev/null
  oldest_kept=$(old_dump 3)
  touch "$FOLDER/backup_20200101.sql.gz.keep"
  DOCKER_GONE=1 run_backup
  [[ $(dumps) == *"backup_$(date -d '-5 days' +%Y%m%d).sql.gz"* ]]
  run_backup
  [ "$status" -eq 0 ]
  [ "$(dumps)" = "backup_20200101.sql.gz.keep $oldest_kept backup_$TODAY.sql.gz" ]
}

@test "the only good one stays, however old, while new ones fail" {
  old=$(old_dump 400)
  DOCKER_GONE=1 run_backup
  only_the_old_one "$old"
}

@test "the disk is full: the earlier dump stays, no part of the new one" {
  old=$(old_dump 1)
  stub gzip <<'STUB'
[ "$*" != "" ] || { head -c 1000; echo "gzip: stdout: No space left on device" >&2; exit 1; }
exec /usr/bin/gzip "$@"
STUB
  run_backup
  only_the_old_one "$old"
  [[ $stderr == *"No space left"* ]]
}

@test "ended by a signal: no part of it is left, and the metrics say failed" {
  stub docker <<'STUB'
[ "$1" != ps ] || { echo db; exit; }
echo $$ >"$STATE/begun"
exec sleep 30
STUB
  end_when_begun
  [ -z "$(dumps)" ]
  [ "$(series failed postgres)" = 1 ]
}

@test "what a run that was killed has left goes with the next one" {
  mkdir -p "$FOLDER"
  touch "$FOLDER/.backup_20260101.sql.gz.partial.abc"
  run_backup
  [ "$(dumps)" = "backup_$TODAY.sql.gz" ]
}

@test "--check runs the real command and keeps nothing, not even metrics" {
  run_backup --check
  [ "$status" -eq 0 ]
  grep -q 'pg_dumpall' "$CALLS"
  [ -z "$(ls -A "$ROOT")" ]
  [ -z "$(ls -A "$METRICS")" ]
  for wrong in DOCKER_GONE=1 BROKEN_OFF=0 DUMPED_CONTAINER=wrong NOT_MOUNTED=1; do
    run env "$wrong" "$DUMP/backup.sh" --check
    [ "$status" -eq 1 ]
  done
}

@test "a good run ends what a failed one reported; a failed one keeps the time of the good one" {
  run_backup
  success=$(series last_success_timestamp_seconds postgres) size=$(series size_bytes postgres)
  DOCKER_GONE=1 run_backup
  [ "$(series failed postgres)" = 1 ]
  [ "$(series last_success_timestamp_seconds postgres)" = "$success" ]
  [ "$(series size_bytes postgres)" = "$size" ]
  run_backup
  [ "$(series failed postgres)" = 0 ]
}

@test "gitea: an archive with its settings; an error in the archive's place is none" {
  dump_kind gitea
  mkdir -p "$STATE/gitea/repos/ada/one.git"
  echo x >"$STATE/gitea/app.ini"
  echo ref >"$STATE/gitea/repos/ada/one.git/HEAD"
  run_backup
  [ "$status" -eq 0 ]
  grep -qx 'docker exec -u someone db gitea dump --skip-log --skip-db --skip-package-data --type tar.gz -f -' "$CALLS"
  rm "$FOLDER"/*
  old=$(old_dump 1)
  AS_ROOT=1 run_backup
  only_the_old_one "$old" gitea
  [[ $stderr == *"no whole archive"* ]]
}

@test "restore: the newest, or that of a day, and what is there else when it is not" {
  run_backup
  run_restore 20200101 --yes
  [ "$status" -eq 1 ]
  [[ $stderr == *"no dump of 20200101 in $FOLDER; what is there: backup_$TODAY.sql.gz"* ]]
  run_restore 2020 --yes
  [ "$status" -eq 2 ]
  THERE='postgres app' run_restore "$TODAY" --yes
  [ "$status" -eq 0 ]
}

@test "restore: asks, and without an answer does nothing" {
  run_backup
  run_restore </dev/null
  [ "$status" -eq 3 ]
  [ ! -e "$STATE/replayed" ]
}

@test "restore: a dump that is not whole is refused" {
  run_backup
  truncate -s -100 "$FOLDER/backup_$TODAY.sql.gz"
  run_restore --yes
  [ "$status" -eq 1 ]
  [[ $stderr == *"is no whole dump: take another one"* ]]
  [ ! -e "$STATE/replayed" ]
}

@test "restore: what is there is set aside, by the dump's own names, and said before" {
  run_backup
  THERE='postgres app' run_restore --yes
  [ "$status" -eq 0 ]
  [[ $output == *"it holds the databases app, and the roles"* ]]
  [[ $output == *"not empty: app will be renamed to NAME_before_"* ]]
  grep -q 'RENAME TO' "$STATE/set-aside"
  grep -qx 'CREATE ROLE app;' "$STATE/replayed"
}

@test "restore: what cannot be set aside is open again, and what was gets its name back" {
  run_backup
  { gzip -dc "$FOLDER/backup_$TODAY.sql.gz" | sed '/cluster dump complete/,$d'; printf -- '-- Database "shop" dump\n--\n-- PostgreSQL database cluster dump complete\n--\n\n'; } | gzip >"$BATS_TEST_TMPDIR/two.sql.gz"
  sed -i 's|  \*"psql "\*) cat >>"$STATE/set-aside" ;;|  *"psql "*) case "$*" in *name=shop*aside=*) cat >>"$STATE/set-aside"; exit 3 ;; *) cat >>"$STATE/set-aside" ;; esac ;;|' "$BATS_TEST_TMPDIR/bin/docker"
  THERE='postgres app shop' run_restore --yes --file "$BATS_TEST_TMPDIR/two.sql.gz"
  [ "$status" -eq 1 ]
  [[ $stderr == *"shop could not be set aside: nothing was replayed"* ]]
  [ ! -e "$STATE/replayed" ]
  [ "$(tail -n 2 "$STATE/set-aside")" = 'ALTER DATABASE :"name" ALLOW_CONNECTIONS true;
ALTER DATABASE :"aside" RENAME TO :"name";' ]
}

@test "restore: roles that are there are no error, all else is, with what to do" {
  run_backup
  export THERE='postgres app'
  REPLAY_ERRORS='psql:<stdin>:1: ERROR:  role "app" already exists' run_restore --yes
  [ "$status" -eq 0 ]
  REPLAY_ERRORS='psql:<stdin>:9: ERROR:  relation "t" already exists' run_restore --yes
  [ "$status" -eq 1 ]
  [[ $stderr == *"the dump did not go in whole"* ]]
  [[ $stderr == *"move what is in its data directory (its mounts: /srv/db"* ]]
}

@test "restore of gitea: says where its database comes from; hooks that cannot be regenerated are a failure" {
  dump_kind gitea
  mkdir -p "$STATE/gitea/repos/ada/one.git"
  echo x >"$STATE/gitea/app.ini"
  echo ref >"$STATE/gitea/repos/ada/one.git/HEAD"
  run_backup
  run_restore --yes
  [ "$status" -eq 0 ]
  [[ $output == *"it comes from the dump of postgres"* ]]
  cmp "$STATE/archive" "$FOLDER/backup_$TODAY.gitea.gz"
  NO_DATABASE=1 RESTART_TRIES=1 run_restore --yes
  [ "$status" -eq 1 ]
  [[ $stderr == *"is the database restored?"* ]]
}

@test "k3s_pvc: three parts, whole by its last line, and a copy beside the scripts" {
  cluster_setup
  run_backup
  [ "$status" -eq 0 ]
  [ "$(grep -c '^---$' "$FOLDER/backup_$TODAY.volumes")" = 2 ]
  cmp "$FOLDER/backup_$TODAY.volumes" "$COPIES/backup_$TODAY.volumes"
  [ "$(stat -c %a "$COPIES/backup_$TODAY.volumes")" = 600 ]
  [ "$(series failed k3s_pvc)" = 0 ]
}

@test "k3s_pvc: no Longhorn, no cluster, nothing in it: the earlier dump stays, the copy too" {
  cluster_setup
  old=$(old_dump 1)
  mkdir "$COPIES"
  cp "$FOLDER/$old" "$COPIES"
  NO_LONGHORN=1 run_backup
  only_the_old_one "$old" k3s_pvc
  CLUSTER_DOWN=1 run_backup
  only_the_old_one "$old" k3s_pvc
  [[ $stderr == *"the cluster does not answer: connection refused"* ]]
  EMPTY_CLUSTER=1 run_backup
  only_the_old_one "$old" k3s_pvc
  [[ $stderr == *"no volume, no claim and no setting"* ]]
  [ "$(ls "$COPIES")" = "$old" ]
}

@test "k3s_pvc: a cluster that was installed anew, with its settings alone: refused, unless told" {
  cluster_setup
  run_backup
  mv "$FOLDER/backup_$TODAY.volumes" "$FOLDER/backup_20260101.volumes"
  sed -i 's/^MINIMUM_RATIO=.*/MINIMUM_RATIO=0.01/' "$RESTORABLE_DUMP_ENV"
  NO_VOLUMES=1 run_backup
  [ "$status" -eq 1 ]
  [[ $stderr == *"0 volumes and claims, 3 in backup_20260101.volumes: refused"* ]]
  [ "$(dumps)" = backup_20260101.volumes ]
  NO_VOLUMES=1 run_backup --allow-smaller
  [ "$status" -eq 0 ]
}

@test "k3s_pvc: the newest dump is restored, though only an older one has a copy" {
  cluster_setup
  run_backup
  mv "$COPIES/backup_$TODAY.volumes" "$COPIES/backup_20260101.volumes"
  run_restore --yes
  [ "$status" -eq 0 ]
  [[ $output == *"dump: $FOLDER/backup_$TODAY.volumes"* ]]
}

@test "k3s_pvc: a copy that cannot be made is a failure, and the dump itself counts" {
  cluster_setup
  touch "$COPIES"
  run_backup
  [ "$status" -eq 1 ]
  [[ $stderr == *"is good, but could not be copied to $COPIES"* ]]
  [ "$(series failed k3s_pvc)" = 1 ]
  [ "$(series last_success_timestamp_seconds k3s_pvc)" -gt 1700000000 ]
}

@test "k3s_pvc: the restore takes the copy first, leaves out what only the API server gives, claims last" {
  cluster_setup
  run_backup
  rm "$FOLDER/backup_$TODAY.volumes"
  run_restore --yes
  [ "$status" -eq 0 ]
  [[ $output == *"dump: $COPIES/backup_$TODAY.volumes"* ]]
  ! grep -q -e uid -e resourceVersion -e creationTimestamp -e ownerReferences -e bind-completed -e '"status"' "$STATE/applied"
  [ "$(jq -r .kind "$STATE/applied" | paste -sd' ')" = "PersistentVolume Volume Setting PersistentVolumeClaim" ]
  [ "$(jq -c 'select(.kind == "PersistentVolume").spec.claimRef' "$STATE/applied")" = '{"name":"data","namespace":"app"}' ]
  [ "$(jq -r 'select(.kind == "PersistentVolumeClaim").metadata.annotations.mine' "$STATE/applied")" = kept ]
  grep -q 'create namespace app$' "$CALLS"
  # Without the copy the other one is taken.
  run_backup
  rm -r "$COPIES"
  THERE=$'volume/a\nvolume/b\n' run_restore --yes
  [[ $output == *"dump: $FOLDER/backup_$TODAY.volumes"* ]]
  [[ $output == *"not empty: 2 of them are there"* ]]
}

@test "k3s_pvc: a dump that was cut off is refused, though what is left is YAML" {
  cluster_setup
  run_backup
  head -n 2 "$COPIES/backup_$TODAY.volumes" >"$BATS_TEST_TMPDIR/cut"
  run_restore --yes --file "$BATS_TEST_TMPDIR/cut"
  [ "$status" -eq 1 ]
  [ ! -e "$STATE/applied" ]
}

@test "help of both, and what is not known" {
  for script in backup restore; do
    run "$DUMP/$script.sh" --help
    [ "$status" -eq 0 ]
    [[ $output == Usage:* ]]
    run "$DUMP/$script.sh" --nonsense
    [ "$status" -eq 2 ]
  done
}
