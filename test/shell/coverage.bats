#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# The coverage ledger on answers of a Prometheus that is a file of series.
# shellcheck disable=SC2016

setup() {
  COVERAGE="$BATS_TEST_DIRNAME/../../scripts/coverage.sh"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  CONFIG="$BATS_TEST_TMPDIR/coverage.env"
  FILE="$BATS_TEST_TMPDIR/metrics/restorable_coverage.prom"
  export SERIES="$BATS_TEST_TMPDIR/series" QUERIES="$BATS_TEST_TMPDIR/queries"
  NOW=$EPOCHSECONDS
  mkdir -p "$STUBS" "$BATS_TEST_TMPDIR/metrics"
  cat >"$CONFIG" <<ENV
PROMETHEUS_URL='http://10.1.1.30:9090'
STANZA='main'
METRICS_PREFIX='veza'
METRICS_DIRECTORY='$BATS_TEST_TMPDIR/metrics'
BACKUP_MAX_AGE_SECONDS='108000'
DRILL_MAX_AGE_SECONDS='691200'
INVENTORY_MAX_AGE_SECONDS='7200'
PLACES='formation
incus host-a'
STANZA_VOLUMES='pgaf-primary-data'
DOCKER_DUMPS='postgres host-b shop-db'
ACCEPTED='[{"place":"incus","name":"pgaf-monitor-data","reason":"made anew"}]'
ENV
  curl_stub
  PATH="$STUBS:$PATH"
  formation >"$SERIES"
}

# A formation as it should be: two databases, two volumes, two repositories, one drilled.
formation() {
  cat <<SERIES
restorable_live_timestamp_seconds{place="formation",reporter="primary",stanza="main"} $((NOW - 5))
restorable_live_timestamp_seconds{place="incus",reporter="host-a",stanza="main"} $((NOW - 50))
restorable_live_database{place="formation",namespace="main",source="formation",database="app",stanza="main"} 1
restorable_live_database{place="formation",namespace="main",source="formation",database="postgres",stanza="main"} 1
restorable_live_volume{place="incus",namespace="restorable",name="pgaf-primary-data",stanza="main"} 1
restorable_live_volume{place="incus",namespace="restorable",name="pgaf-monitor-data",stanza="main"} 1
restorable_repository_last_backup_timestamp_seconds{stanza="main",repo="1",type="full",instance="pgaf-primary"} $((NOW - 90000))
restorable_repository_last_backup_timestamp_seconds{stanza="main",repo="1",type="diff",instance="pgaf-primary"} $((NOW - 3600))
restorable_repository_last_backup_timestamp_seconds{stanza="main",repo="2",type="full",instance="pgaf-primary"} $((NOW - 90000))
veza_backup_drill_last_success_timestamp_seconds{stanza="main",repo="1"} $((NOW - 7200))
veza_backup_drill_database_last_success_timestamp_seconds{stanza="main",repo="1",database="app"} $((NOW - 7200))
veza_backup_drill_database_last_success_timestamp_seconds{stanza="main",repo="1",database="postgres"} $((NOW - 7200))
SERIES
}

# A curl that answers from the file: the series whose names the expression asks for.
curl_stub() {
  cat >"$STUBS/curl" <<'STUB'
#!/usr/bin/env bash
[ -z "${REFUSE:-}" ] || { echo "curl: (7) Failed to connect: Connection refused" >&2; exit 7; }
while [ $# -gt 0 ]; do
  case "$1" in -o) out=$2; shift ;; --data-urlencode) query=${2#query=}; shift ;; esac
  shift
done
echo "$query" >>"$QUERIES"
[ -z "${ANSWER:-}" ] || { printf '%s' "$ANSWER" >"$out"; exit 0; }
names=$(sed -n 's/.*__name__=~"\([^"]*\)".*/\1/p' <<<"$query")
jq -Rnc --arg names "$names" '{status: "success", data: {resultType: "vector", result: [inputs
  | capture("^(?<name>[a-z_]+)\\{(?<labels>.*)\\} (?<value>\\S+)$") | select(.name | test("^(\($names))$"))
  | {metric: ({__name__: .name} + ([.labels | scan("([a-z]+)=\"((?:[^\"\\\\]|\\\\.)*)\"") | {key: .[0], value: (.[1] | gsub("\\\\(?<c>.)"; .c))}] | from_entries)),
     value: [1, .value]}]}}' <"$SERIES" >"$out"
STUB
  chmod +x "$STUBS/curl"
}

coverage() { run "$COVERAGE" --config "$CONFIG" "$@"; }
# $1 jq expression on --json
is() { [ "$(jq -r "$1" <<<"$output")" = "$2" ] || { echo "$1: $(jq -r "$1" <<<"$output"), not $2"; return 1; }; }
verdict_of() { is ".things[] | select(.name == \"$1\") | .verdict" "$2"; }
value() { awk -v series="$1 " 'index($0, series) == 1 { print $NF }' "$FILE"; }

@test "all that lives is covered or accepted: 0, a line for each" {
  coverage
  [ "$status" -eq 0 ]
  [[ $output == *"formation  main/formation  database app"*"60 min, repository 1"*"2 h, repository 1"*"covered"* ]]
  [[ $output == *"incus      restorable      volume pgaf-monitor-data  "*"accepted: made anew"* ]]
  [[ ${lines[-1]} == "coverage: 3 covered, 1 accepted" ]]
  [ ! -e "$FILE" ]
}

@test "it asks for this stack's series, and for those of none" {
  sed -i "s/STANZA='main'/STANZA='a.b'/" "$CONFIG"
  coverage
  grep -qF 'stanza=~"|a\\.b"' "$QUERIES"
}

@test "a database that no drill has restored is undrilled, one of another repository's drill is not" {
  echo 'restorable_live_database{place="formation",namespace="main",source="formation",database="fresh",stanza="main"} 1' >>"$SERIES"
  coverage --json
  [ "$status" -eq 0 ]
  verdict_of fresh undrilled
  coverage --strict
  [ "$status" -eq 1 ]
  echo "veza_backup_drill_database_last_success_timestamp_seconds{stanza=\"main\",repo=\"2\",database=\"fresh\"} $((NOW - 60))" >>"$SERIES"
  coverage --json
  verdict_of fresh covered
  is '.things[] | select(.name == "fresh") | .drill.by' 'repository 2'
}

@test "one destination's drill never stands for another one's backup" {
  sed -i '/repo="2"/d; /veza_backup_drill/d' "$SERIES"
  cat >>"$SERIES" <<SERIES
restorable_export_last_success_timestamp_seconds{stanza="main",database="app"} $((NOW - 200000))
veza_export_drill_last_success_timestamp_seconds{stanza="main",database="app"} $((NOW - 60))
SERIES
  coverage --json
  verdict_of app undrilled
  is '.things[] | select(.name == "app") | .destinations | length' 2
}

@test "what lives without a backup is named, though no setting knows of it: 1, and series for the alert" {
  cat >>"$SERIES" <<SERIES
restorable_live_database{place="docker",namespace="host-b",source="shop-db",database="orders"} 1
restorable_live_database{place="kubernetes",namespace="shop",source="pg",database="it\"s"} 1
SERIES
  coverage --metrics
  [ "$status" -eq 1 ]
  [[ ${lines[-1]} == *"2 uncovered"*"UNCOVERED: docker host-b/shop-db/orders, kubernetes shop/pg/it"* ]]
  [ "$(value 'restorable_coverage_uncovered{stanza="main",place="docker",namespace="host-b",source="shop-db",kind="database",name="orders"}')" = 1 ]
  grep -qF 'name="it\"s"} 1' "$FILE"
  [ "$(value 'restorable_coverage_things{stanza="main",verdict="uncovered"}')" = 2 ]
  [ "$(value 'restorable_coverage_last_run_timestamp_seconds{stanza="main"}')" -ge "$NOW" ]
  [ "$(value 'restorable_coverage_outcome{stanza="main",outcome="fail"}')" = 1 ]
}

@test "backups of every kind of place are found, by what they are of" {
  cat >>"$SERIES" <<SERIES
restorable_live_database{place="docker",namespace="host-b",source="shop-db",database="orders"} 1
restorable_live_volume{place="docker",namespace="host-b",source="shop-db",name="shop-data"} 1
restorable_live_volume{place="docker",namespace="host-b",source="other",name="other-data"} 1
veza_dump_last_success_timestamp_seconds{kind="postgres",host="host-b"} $((NOW - 3600))
restorable_live_database{place="kubernetes",namespace="shop",source="pg",database="orders"} 1
restorable_live_database{place="kubernetes",namespace="blog",source="pg",database="orders"} 1
restorable_live_volume{place="kubernetes",namespace="shop",source="pg",name="data-pg-0"} 1
restorable_live_volume{place="kubernetes",namespace="shop",name="uploads"} 1
veza_cluster_dump_last_success_timestamp_seconds{namespace="shop",source="pg",database="orders"} $((NOW - 3600))
veza_cluster_drill_last_success_timestamp_seconds{namespace="shop",source="pg",database="orders"} $((NOW - 3600))
SERIES
  coverage --json
  [ "$status" -eq 1 ]
  is '[.things[] | select(.place == "docker" or .place == "kubernetes") | "\(.path) \(.verdict)"] | sort | join(", ")' \
    'blog/pg/orders uncovered, host-b/other/other-data uncovered, host-b/shop-db/orders undrilled, host-b/shop-db/shop-data undrilled, shop/pg/data-pg-0 covered, shop/pg/orders covered, shop/uploads uncovered'
}

@test "a server that could not be asked counts as one database, until somebody tells its databases" {
  cat >>"$SERIES" <<SERIES
restorable_live_database{place="kubernetes",namespace="shop",source="pg",database="(unknown)"} 1
restorable_live_database{place="docker",namespace="host-b",source="shop-db",database="(unknown)"} 1
veza_dump_last_success_timestamp_seconds{kind="postgres",host="host-b"} $((NOW - 60))
SERIES
  coverage --json
  is '[.things[] | select(.name == "(unknown)") | "\(.place) \(.verdict)"] | join(", ")' 'docker undrilled, kubernetes uncovered'
  echo 'restorable_live_database{place="kubernetes",namespace="shop",source="pg",database="orders"} 1' >>"$SERIES"
  coverage --json
  is '[.things[] | select(.place == "kubernetes") | .name] | join(", ")' orders
}

@test "a dump from before the database was made does not hold it" {
  cat >>"$SERIES" <<SERIES
restorable_live_database{place="docker",namespace="host-b",source="shop-db",database="new"} 1
restorable_live_created_timestamp_seconds{place="docker",namespace="host-b",source="shop-db",database="new"} $((NOW - 60))
veza_dump_last_success_timestamp_seconds{kind="postgres",host="host-b"} $((NOW - 3600))
SERIES
  coverage --json
  verdict_of new uncovered
}

@test "an old backup, an old drill, and times of the future are none" {
  sed -i "s/ $((NOW - 3600))$/ $((NOW - 110000))/; /repo=\"2\"/d; /type=\"full\"/d" "$SERIES"
  coverage --json
  verdict_of app uncovered
  formation | sed "s/ $((NOW - 7200))$/ $((NOW - 700000))/" >"$SERIES"
  coverage --json
  verdict_of app undrilled
  formation | sed -E "s/(last_backup.*) [0-9]+$/\1 $((NOW + 9000))/" >"$SERIES"
  coverage --json
  verdict_of app uncovered
}

@test "what is accepted is shown with its reason; the drill alone may be" {
  sed -i '/^ACCEPTED/d' "$CONFIG"
  echo "ACCEPTED='[{\"place\":\"incus\",\"name\":\"pgaf-*\",\"reason\":\"a\"},{\"place\":\"kubernetes\",\"name\":\"scratch/*\",\"reason\":\"nobody misses it\"},{\"place\":\"docker\",\"name\":\"orders\",\"reason\":\"by hand\",\"only\":\"drill\"}]'" >>"$CONFIG"
  cat >>"$SERIES" <<SERIES
restorable_live_database{place="kubernetes",namespace="scratch",source="pg",database="x"} 1
restorable_live_database{place="kubernetes",namespace="scratchy",source="pg",database="y"} 1
restorable_live_database{place="docker",namespace="host-b",source="shop-db",database="orders"} 1
restorable_live_database{place="docker",namespace="host-b",source="b",database="orders"} 1
veza_dump_last_success_timestamp_seconds{kind="postgres",host="host-b"} $((NOW - 60))
SERIES
  coverage --json
  [ "$status" -eq 1 ]
  verdict_of x accepted
  is '.things[] | select(.name == "x") | .reason' 'nobody misses it'
  verdict_of y uncovered
  is '[.things[] | select(.name == "orders") | "\(.source) \(.verdict)"] | join(", ")' 'b uncovered, shop-db accepted'
}

@test "Prometheus does not answer, or answers with an error: 2, and the figures of before stay without their time" {
  echo 'restorable_live_database{place="docker",namespace="h",source="c",database="d"} 1' >>"$SERIES"
  coverage --metrics
  local run
  run=$(value 'restorable_coverage_last_run_timestamp_seconds{stanza="main"}')
  sed -i "s/last_run_timestamp_seconds{stanza=\"main\"} .*/last_run_timestamp_seconds{stanza=\"main\"} 1234/" "$FILE"
  REFUSE=1 coverage --metrics
  [ "$status" -eq 2 ]
  [[ $output == *"could not verify: Prometheus at http://10.1.1.30:9090: "*"refused"* ]]
  [ "$(value 'restorable_coverage_last_run_timestamp_seconds{stanza="main"}')" = 1234 ]
  grep -q '^restorable_coverage_uncovered{.*name="d"} 1$' "$FILE"
  [ "$(value 'restorable_coverage_outcome{stanza="main",outcome="unverified"}')" = 1 ]
  ANSWER='{"status":"error","error":"query timed out"}' coverage
  [ "$status" -eq 2 ]
  [[ $output == *"query timed out"* ]]
  ANSWER='<html>' coverage
  [ "$status" -eq 2 ]
  REFUSE=1 coverage --json
  [[ ${lines[-1]} == *'"outcome":"unverified"'* ]]
}

@test "an inventory that is old or missing: 2, never covered, and its last findings stay" {
  echo 'restorable_live_volume{place="incus",namespace="restorable",name="forgotten",stanza="main"} 1' >>"$SERIES"
  coverage --metrics
  [ "$status" -eq 1 ]
  formation | sed '/place="incus"/d' >"$SERIES"
  coverage --metrics
  [ "$status" -eq 2 ]
  [[ $output == *"could not verify: no inventory of incus (host-a)"* ]]
  grep -q '^restorable_coverage_uncovered{.*name="forgotten"} 1$' "$FILE"
  formation | sed -E "s/(live_timestamp.*formation.*) [0-9]+$/\1 $((NOW - 9000))/" >"$SERIES"
  coverage --json
  [ "$status" -eq 2 ]
  verdict_of app unverified
  verdict_of pgaf-primary-data covered
  : >"$SERIES"
  coverage
  [ "$status" -eq 2 ]
}

@test "something uncovered comes before an inventory that is missing, and the run is no whole one" {
  formation | sed '/place="incus"/d; /repository/d' >"$SERIES"
  coverage --metrics
  [ "$status" -eq 1 ]
  [ -z "$(value 'restorable_coverage_last_run_timestamp_seconds{stanza="main"}')" ]
}

@test "wrong use and settings that make no sense: 2" {
  coverage --help
  [ "$status" -eq 0 ]
  coverage --nonsense
  [ "$status" -eq 2 ]
  sed -i 's/^PLACES=.*/PLACES=/' "$CONFIG"
  coverage
  [ "$status" -ne 0 ]
  run "$COVERAGE" --config /nonexistent
  [ "$status" -eq 2 ]
}

@test "a metrics file that cannot be written is no pass" {
  sed -i "s|^METRICS_DIRECTORY=.*|METRICS_DIRECTORY='$BATS_TEST_TMPDIR/nowhere'|" "$CONFIG"
  coverage --metrics
  [ "$status" -eq 2 ]
}
