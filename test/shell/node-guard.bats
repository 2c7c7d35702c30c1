#!/usr/bin/env bats
# X9: what would endanger existing backups is refused. The stand-in for pgbackrest serves $REPO/<bucket><path>, and
# answers as the real one (2.55.1) does: 95 for a wrong passphrase, 39 for refused credentials.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
  load node_helper
  node_setup
  export REPO="$BATS_TEST_TMPDIR/repo" PGBACKREST_DIRECTORY="$BATS_TEST_TMPDIR/etc" CLUSTER=7001
  mkdir -p "$PGBACKREST_DIRECTORY/conf.d"
  stub pgbackrest <<'STUB'
for argument in "$@"; do
  case $argument in
    --config=*) conf=${argument#*=} ;;
    --config-include-path=*) include=${argument#*=} ;;
    --repo=*) n=${argument#*=} ;;
    repo-ls | repo-get) command=$argument ;;
  esac
done
path=${!#}
value() { sed -n "s/^repo$n-$1=//p" "$conf" "$include"/*.conf; }
case ${STORE:-up} in
  down) exec sleep 60 ;;
  denied) printf 'ERROR: [039]: HTTP request failed with 403 (Forbidden):\n  *** Path/Query ***:\n' >&2; exit 39 ;;
esac
place=$REPO/$(value s3-bucket)$(value path)/$path
if [[ $command == repo-ls ]]; then
  [[ ! -d $place ]] || ls "$place"
  exit 0
fi
[[ $(value cipher-pass) == "$(cat "$REPO/passphrase")" ]] || { echo 'ERROR: [095]: unable to flush' >&2; exit 95; }
cat "$place"
STUB
  stub pg_controldata <<'STUB'
[[ -n $CLUSTER ]] || exit 1
echo "Catalog version number:               202406281"
echo "Database system identifier:           $CLUSTER"
STUB
  write_conf "$PGBACKREST_DIRECTORY/pgbackrest.conf"
  write_secrets "$PGBACKREST_DIRECTORY/conf.d/secrets.conf"
  WANTED="$BATS_TEST_TMPDIR/wanted.conf" SECRETS="$BATS_TEST_TMPDIR/wanted-secrets.conf"
  write_conf "$WANTED"
  write_secrets "$SECRETS"
}

write_conf() {
  cat >"$1" <<'CONF'
[global]
process-max=2
repo1-type=s3
repo1-s3-endpoint=10.0.0.5
repo1-storage-port=9000
repo1-s3-bucket=backups
repo1-path=/pgbackrest
repo1-retention-full=4
repo1-retention-diff=7
repo1-retention-archive=4

[main]
pg1-path=/data
CONF
}

write_secrets() {
  printf '[global]\nrepo1-cipher-pass=right\n' >"$1"
}

# A repository with three full backups and one differential.
with_backups() {
  local place="$REPO/backups/pgbackrest"
  mkdir -p "$place/backup/main" "$place/archive/main"
  echo right >"$REPO/passphrase"
  cat >"$place/backup/main/backup.info" <<'INFO'
[backrest]
backrest-format=5

[backup:current]
20260101-020000F={"backup-type":"full"}
20260108-020000F={"backup-type":"full"}
20260115-020000F={"backup-type":"full"}
20260115-020000F_20260116-020000D={"backup-type":"diff"}

[cipher]
cipher-pass="an inner key"

[db]
db-id=1
db-system-id=7001
db-version="17"

[db:history]
1={"db-system-id":7001,"db-version":"17"}
INFO
  cp "$place/backup/main/backup.info" "$place/backup/main/backup.info.copy"
  printf '[backrest]\nbackrest-format=5\n\n[db]\ndb-system-id=7001\n' >"$place/archive/main/archive.info"
}

guard() {
  run --separate-stderr "$SCRIPTS/backup-guard.sh" "$WANTED" "$SECRETS"
}

# expect_refusal SETTING VARIABLE: refused as it stands, with a way out, which works.
expect_refusal() {
  guard
  [ "$status" -eq 1 ]
  [[ $stderr == refused:*"set restorable:backup.allow.$1 to true."* ]]
  export "$2=1"
  guard
  [ "$status" -eq 0 ]
  [[ $stderr == warning:*"(allowed by restorable:backup.allow.$1)" ]]
}

@test "a new repository, an unchanged one and a raised retention are fine" {
  guard
  [ "$status" -eq 0 ]
  with_backups
  guard
  [ "$status" -eq 0 ]
  sed -i s/retention-full=4/retention-full=5/ "$WANTED"
  guard
  [ "$status" -eq 0 ]
  [ -z "$output$stderr" ]
}

@test "the first deployment, with no configuration in force, is fine" {
  rm -r "$PGBACKREST_DIRECTORY"
  guard
  [ "$status" -eq 0 ]
  with_backups
  guard
  [ "$status" -eq 0 ]
}

@test "refuses another cipher passphrase" {
  with_backups
  sed -i s/right/wrong/ "$SECRETS"
  expect_refusal cipherChange ALLOW_CIPHER_CHANGE
}

@test "refuses another cipher passphrase for a stanza that has WAL and no backup yet" {
  with_backups
  rm -r "$REPO/backups/pgbackrest/backup/main"
  sed -i s/right/wrong/ "$SECRETS"
  expect_refusal cipherChange ALLOW_CIPHER_CHANGE
}

@test "refuses bytes that a wrong passphrase gives without an error" {
  with_backups
  printf '\f\x85\x86\n' | tee "$REPO/backups/pgbackrest/backup/main/backup.info" \
    "$REPO/backups/pgbackrest/backup/main/backup.info.copy" >"$REPO/backups/pgbackrest/archive/main/archive.info"
  expect_refusal cipherChange ALLOW_CIPHER_CHANGE
}

@test "one damaged info file is no wrong passphrase" {
  with_backups
  echo damaged >"$REPO/backups/pgbackrest/backup/main/backup.info"
  guard
  [ "$status" -eq 0 ]
}

@test "refuses another cluster than the repository's" {
  with_backups
  export CLUSTER=7002
  guard
  [[ $stderr == *"system identifier 7001 there, 7002 here"* ]]
  expect_refusal newSystemIdentifier ALLOW_NEW_SYSTEM_IDENTIFIER
}

@test "a standby that is yet to be copied has no identifier to compare" {
  with_backups
  CLUSTER='' guard
  [ "$status" -eq 0 ]
}

@test "refuses a cut of each retention" {
  with_backups
  for kind in full=4 diff=7 archive=4; do
    write_conf "$WANTED"
    sed -i "s/retention-$kind/retention-${kind%=*}=3/" "$WANTED"
    guard
    [ "$status" -eq 1 ]
    [[ $stderr == *"would keep 3 instead of ${kind#*=} (retention-${kind%=*})"* ]]
  done
  expect_refusal retentionCut ALLOW_RETENTION_CUT
}

by_time() { # by_time FILE DAYS
  sed -i "s/^repo1-retention-full=.*/repo1-retention-full-type=time\nrepo1-retention-full=$2/; /retention-\(diff\|archive\)/d" "$1"
}

@test "refuses fewer days, and takes more" {
  with_backups
  by_time "$PGBACKREST_DIRECTORY/pgbackrest.conf" 30
  by_time "$WANTED" 31
  guard
  [ "$status" -eq 0 ]
  by_time "$PGBACKREST_DIRECTORY/pgbackrest.conf" 40
  expect_refusal retentionCut ALLOW_RETENTION_CUT
  [[ $stderr == *"repository 1 would keep 31 days instead of 40 days (retention-full)"* ]]
}

@test "from a number to days: what would go is counted, one backup older than the days stays" {
  with_backups
  by_time "$WANTED" 30
  expect_refusal retentionCut ALLOW_RETENTION_CUT
  # All three are long past 30 days, and pgBackRest keeps the newest of those.
  [[ $stderr == *"repository 1 holds 2 full backups that would go with 30 days (retention-full)"* ]]
  unset ALLOW_RETENTION_CUT
  by_time "$WANTED" 3650
  guard
  [ "$status" -eq 0 ]
  rm "$PGBACKREST_DIRECTORY/pgbackrest.conf"
  by_time "$WANTED" 30
  guard
  [ "$status" -eq 1 ]
}

@test "from days to a number: the repository is counted" {
  with_backups
  by_time "$PGBACKREST_DIRECTORY/pgbackrest.conf" 30
  guard
  [ "$status" -eq 0 ]
  sed -i s/retention-full=4/retention-full=2/ "$WANTED"
  guard
  [ "$status" -eq 1 ]
  [[ $stderr == *"repository 1 holds 3 full backups and would keep 2 (retention-full)"* ]]
}

@test "refuses a limit where everything was kept" {
  with_backups
  sed -i /retention-diff/d "$PGBACKREST_DIRECTORY/pgbackrest.conf"
  guard
  [[ $stderr == *"would keep 7 instead of all (retention-diff)"* ]]
}

@test "without a configuration in force, the repository tells what was kept" {
  with_backups
  rm "$PGBACKREST_DIRECTORY/pgbackrest.conf"
  sed -i s/retention-full=4/retention-full=2/ "$WANTED"
  guard
  [[ $stderr == *"holds 3 full backups and would keep 2"* ]]
  expect_refusal retentionCut ALLOW_RETENTION_CUT
}

@test "refuses another path, bucket or stanza while the old one holds backups" {
  with_backups
  for change in s#path=/pgbackrest#path=/else# s/bucket=backups/bucket=other/ 's/\[main\]/[new]/'; do
    write_conf "$WANTED"
    sed -i "$change" "$WANTED"
    guard
    [ "$status" -eq 1 ]
    [[ $stderr == *"lacks the newest backup 20260115-020000F_20260116-020000D"* ]]
  done
  expect_refusal pathChange ALLOW_PATH_CHANGE
}

@test "another path is fine when nothing was there, or when the backups came along" {
  sed -i s#path=/pgbackrest#path=/else# "$WANTED"
  guard
  [ "$status" -eq 0 ]
  with_backups
  cp -r "$REPO/backups/pgbackrest" "$REPO/backups/else"
  guard
  [ "$status" -eq 0 ]
}

@test "another address of the same repository is no move" {
  with_backups
  sed -i s/10.0.0.5/store.example.org/ "$WANTED"
  guard
  [ "$status" -eq 0 ]
}

@test "refuses to forget a repository that holds backups" {
  with_backups
  sed -i s/repo1-/repo2-/ "$WANTED" "$SECRETS"
  sed -i s#path=/pgbackrest#path=/second# "$WANTED"
  guard
  [ "$status" -eq 1 ]
  [[ $stderr == *"repository 1 holds backups and would no longer be used"* ]]
}

@test "a repository that cannot be asked is an error of its own, with the reason" {
  sed -i s/retention-full=4/retention-full=5/ "$WANTED"
  STORE=denied guard
  [ "$status" -eq 4 ]
  [[ $stderr == "could not verify: wanted repository 1: pgBackRest ended with 39: [039]: HTTP request failed with 403 (Forbidden):" ]]
  STORE=down GUARD_TIMEOUT_SECONDS=1 guard
  [ "$status" -eq 4 ]
  [[ $stderr == *"no answer within 1 s"* ]]
}

@test "a repository that cannot be asked, and of which nothing changes, holds up no other setting" {
  sed -i s/process-max=2/process-max=3/ "$WANTED"
  STORE=denied guard
  [ "$status" -eq 0 ]
  [[ $stderr == *"repository 1 does not answer, and its settings stay as they are: not checked"* ]]
  sed -i s/right/another/ "$SECRETS"
  STORE=denied guard
  [ "$status" -eq 4 ]
}

@test "every reason is named, not only the first" {
  with_backups
  sed -i s/retention-full=4/retention-full=1/ "$WANTED"
  CLUSTER=7002 guard
  [ "$status" -eq 1 ]
  [[ $stderr == *"another cluster"*"would keep 1"* ]]
}

@test "no secret is printed, and no decrypted file is left behind" {
  with_backups
  export TMPDIR="$BATS_TEST_TMPDIR/tmp"
  mkdir "$TMPDIR"
  sed -i s/right/wrong-passphrase/ "$SECRETS"
  guard
  [[ $output$stderr != *wrong-passphrase* && $output$stderr != *"inner key"* ]]
  [ -z "$(ls "$TMPDIR")" ]
}
