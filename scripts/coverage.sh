#!/usr/bin/env bash
# The coverage ledger: every live database and volume that Prometheus hears of, against its newest backup and its newest
# passed drill. What lives without a backup is named, whoever made it and whatever the settings say.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: coverage.sh [--json] [--strict] [--metrics] [--config FILE]

Asks Prometheus what lives (restorable_live_*, written by whoever sees it: the primary, the Incus hosts, hosts of dumps, the
Kubernetes cluster) and what was backed up and drilled, joins the two, and prints a line for each database and volume.

  covered     a destination holds a backup within its bound, and a drill of that destination passed within its bound
  undrilled   there is such a backup, but no such drill
  UNCOVERED   there is no such backup
  accepted    left without on purpose; the reason is printed
  unverified  it has evidence, but the inventory of its place is old or missing: what else lives there is not known

  --json         the ledger as one JSON object instead
  --strict       what is undrilled counts as what is uncovered
  --metrics      writes restorable_coverage.prom for node_exporter's textfile collector, as the timer does
  --config FILE  settings (default /etc/restorable/coverage.env)
  --help         this text

Exit codes: 0 nothing is uncovered; 1 something is, by name; 2 could not verify: Prometheus gives no answer, or an inventory is
old or missing; or a usage error. 1 comes before 2. Only a run that ends with 0 or 1 and had every inventory refreshes
restorable_coverage_last_run_timestamp_seconds.

Settings, shell assignments:
  PROMETHEUS_URL                       where it answers
  STANZA, METRICS_PREFIX, METRICS_DIRECTORY
  BACKUP_MAX_AGE_SECONDS, DRILL_MAX_AGE_SECONDS, INVENTORY_MAX_AGE_SECONDS
  PLACES                               expected inventories, a line each: PLACE, or PLACE REPORTER
  STANZA_VOLUMES                       Incus volumes that the stanza's backups hold the data of
  DOCKER_DUMPS                         KIND HOST CONTAINER, a line each: that dump holds all that is in the container
  ACCEPTED                             JSON: [{"place", "name", "reason", "only"?}]; name may hold *
TEXT
}

fatal() {
  printf 'coverage: %s\n' "$1" >&2
  exit 2
}

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for LIB in "$here/coverage" /usr/local/lib/restorable/coverage; do [ ! -f "$LIB/ledger.jq" ] || break; done
[ -f "$LIB/ledger.jq" ] || fatal "its parts are neither in $here nor in /usr/local/lib/restorable/coverage"
for TEXTFILE in "$LIB/textfile.sh" "$here/metrics/textfile.sh"; do [ ! -f "$TEXTFILE" ] || break; done
# shellcheck source=scripts/metrics/textfile.sh
. "$TEXTFILE"

CONFIG=/etc/restorable/coverage.env JSON=n STRICT=n METRICS=n
while [ $# -gt 0 ]; do
  case "$1" in
    --config) [ $# -ge 2 ] || fatal "$1 needs a value"; CONFIG="$2"; shift ;;
    --json) JSON=y ;;
    --strict) STRICT=y ;;
    --metrics) METRICS=y ;;
    -h | --help) usage; exit 0 ;;
    *) fatal "unknown argument $1 (see --help)" ;;
  esac
  shift
done
load_settings "$CONFIG"
: "${PROMETHEUS_URL:?not set in $CONFIG}" "${STANZA:?not set in $CONFIG}" "${METRICS_PREFIX:?not set in $CONFIG}" \
  "${METRICS_DIRECTORY:?not set in $CONFIG}" "${BACKUP_MAX_AGE_SECONDS:?not set in $CONFIG}" \
  "${DRILL_MAX_AGE_SECONDS:?not set in $CONFIG}" "${INVENTORY_MAX_AGE_SECONDS:?not set in $CONFIG}" "${PLACES:?not set in $CONFIG}"
for tool in curl jq; do command -v "$tool" >/dev/null || fatal "$tool is not installed"; done
WORK="$(mktemp -d "${TMPDIR:-/tmp}/coverage.XXXXXX")"
trap 'rm -rf "$WORK"' EXIT
NOW="${EPOCHSECONDS:-$(date +%s)}"
FILE="$METRICS_DIRECTORY/restorable_coverage.prom"

# ask FILE EXPRESSION: the answer of Prometheus to an instant query. Fails on one that is none.
ask() {
  curl -sS -m 20 --connect-timeout 5 --data-urlencode "query=$2" -o "$1" "$PROMETHEUS_URL/api/v1/query" 2>"$WORK/err" </dev/null || {
    tr '\n' ' ' <"$WORK/err"
    return 1
  }
  jq -e '.status == "success" and .data.resultType == "vector" and (.warnings // [] | length) == 0' "$1" >/dev/null 2>&1 && return 0
  jq -r '.error // (.warnings // [] | first) // "an answer that is none"' "$1" 2>/dev/null || echo "an answer that is none"
  return 1
}

# Of this stack, or of what is not labelled with a stack at all. What lives is what its inventory names now: what was removed
# is gone at once. Only where an inventory was not heard of does the one before count, for a scrape or two may be missed.
ask_all() {
  local mine live prefix="$METRICS_PREFIX"
  mine="stanza=~\"|$(sed 's/[][\\.*^$+?(){}|]/\\\\&/g; s/"/\\"/g' <<<"$STANZA")\""
  live="{__name__=~\"restorable_live_.+\",$mine}"
  ask "$WORK/live" "$live or (last_over_time(${live}[5m]) unless on (instance) restorable_live_timestamp_seconds)" &&
    ask "$WORK/evidence" "last_over_time({__name__=~\"restorable_repository_last_backup_timestamp_seconds|restorable_export_last_success_timestamp_seconds|${prefix}_(backup|export|cluster)_drill_(database_)?last_success_timestamp_seconds|${prefix}_(cluster_)?dump_(upload_)?last_success_timestamp_seconds\",$mine}[1h])"
}

settings() {
  jq -nc --arg stanza "$STANZA" --arg prefix "$METRICS_PREFIX" --argjson backup "$BACKUP_MAX_AGE_SECONDS" \
    --argjson drill "$DRILL_MAX_AGE_SECONDS" --argjson inventory "$INVENTORY_MAX_AGE_SECONDS" --arg places "$PLACES" \
    --arg volumes "${STANZA_VOLUMES:-}" --arg dumps "${DOCKER_DUMPS:-}" --argjson accepted "${ACCEPTED:-[]}" '
    {stanza: $stanza, prefix: $prefix, backupMaxAgeSeconds: $backup, drillMaxAgeSeconds: $drill,
     inventoryMaxAgeSeconds: $inventory, accepted: $accepted,
     stanzaVolumes: ($volumes | split(" ") | map(select(. != ""))),
     dumps: ($dumps | split("\n") | map(split(" ") | select(length == 3) | {kind: .[0], host: .[1], container: .[2]})),
     places: ($places | split("\n") | map(split(" ") | select(length > 0 and .[0] != "") | {place: .[0], reporter: (.[1] // "")}))}'
}

# Lines with tabs, for people: the head, then one thing a line.
rows() {
  jq -r '
    def age: if . < 120 then "\(.) s" elif . < 7200 then "\(. / 60 | floor) min" elif . < 172800 then "\(. / 3600 | floor) h" else "\(. / 86400 | floor) d" end;
    .at as $now
    | def since: if .at == 0 then "none" else "\([$now - .at, 0] | max | age), \(.by)" end;
    ["PLACE", "WHERE", "WHAT", "NEWEST BACKUP", "NEWEST PASSED DRILL", "VERDICT"],
    (.things[] | [.place, ([.namespace, .source] | map(select(. != "")) | join("/")), "\(.kind) \(.name)", (.backup | since), (.drill | since),
      (if .verdict == "uncovered" then "UNCOVERED" else .verdict end) + (if .reason then ": \(.reason)" else "" end)])
    | map(gsub("[\t\n]"; " ") | if . == "" then "-" else . end) | @tsv' <<<"$1"
}

table() {
  rows "$1" | awk -F'\t' '
    { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (i < NF && length($i) > width[i]) width[i] = length($i) } fields = NF }
    END { for (row = 1; row <= NR; row++) {
      for (i = 1; i < fields; i++) printf "%-" width[i] "s  ", cell[row, i]
      print cell[row, fields]
    } }'
}

# Each inventory that is not there, and the whole in one sentence.
words() {
  jq -r '
    def age: if . < 7200 then "\(. / 60 | floor) min" else "\(. / 3600 | floor) h" end;
    .at as $now
    | (.unverified[] | "could not verify: \(.why) of \(.place)\(if .reporter == "" then "" else " (\(.reporter))" end)"
        + (if .at > 0 then ", \([$now - .at, 0] | max | age) old" else "" end)),
      "coverage: " + ([(.counts | to_entries[] | select(.value > 0) | "\(.value) \(.key)")] | if length == 0 then "nothing lives" else join(", ") end)
        + ([.things[] | select(.verdict == "uncovered") | "\(.place) \(.path)"] | if length == 0 then "" else "; UNCOVERED: " + join(", ") end)' <<<"$1"
}

# series LEDGER OUTCOME: what the timer leaves for Prometheus. A run that could not verify keeps the time of the last one
# that could, and with the time everything that went unseen.
series() {
  local ledger=$1 outcome=$2 state run=$NOW
  if [ "$outcome" = unverified ]; then
    run=$(sed -n 's/^restorable_coverage_last_run_timestamp_seconds{.*} //p' "$FILE" 2>/dev/null) || run=''
  fi
  if [ -n "$ledger" ]; then
    named uncovered "1: this lives, and has no backup within its bound." "$ledger"
    named undrilled "1: this lives and has a backup, and no drill of it passed within its bound." "$ledger"
    head_of restorable_coverage_things gauge "Live databases and volumes, by verdict."
    jq -r '. as $l | .counts | to_entries[] | "restorable_coverage_things{stanza=\($l.stanza | @json),verdict=\"\(.key)\"} \(.value)"' <<<"$ledger"
  elif [ -f "$FILE" ]; then
    grep -E '^(# (HELP|TYPE) )?restorable_coverage_(uncovered|undrilled|things)\b' "$FILE" || true
  fi
  if number "$run"; then
    head_of restorable_coverage_last_run_timestamp_seconds gauge "Last run of the ledger that had every inventory."
    printf 'restorable_coverage_last_run_timestamp_seconds{stanza="%s"} %s\n' "$(label "$STANZA")" "$run"
  fi
  head_of restorable_coverage_last_attempt_timestamp_seconds gauge "Last run of the ledger, whatever came of it."
  printf 'restorable_coverage_last_attempt_timestamp_seconds{stanza="%s"} %s\n' "$(label "$STANZA")" "$NOW"
  head_of restorable_coverage_outcome gauge "Outcome of the last run: 1 for the one that holds."
  for state in pass fail unverified; do
    printf 'restorable_coverage_outcome{stanza="%s",outcome="%s"} %s\n' "$(label "$STANZA")" "$state" "$([ "$state" = "$outcome" ] && echo 1 || echo 0)"
  done
}

# named VERDICT HELP LEDGER: a series for each thing of this verdict. Of a place whose inventory is missing, what was said
# before still holds.
named() {
  head_of "restorable_coverage_$1" gauge "$2"
  {
    jq -r --arg verdict "$1" '
      def text: gsub("\\\\"; "\\\\") | gsub("\""; "\\\"") | gsub("\n"; "\\n");
      .stanza as $stanza | .things[] | select(.verdict == $verdict)
      | "restorable_coverage_\($verdict){stanza=\"\($stanza | text)\",place=\"\(.place | text)\",namespace=\"\(.namespace | text)\",source=\"\(.source | text)\",kind=\"\(.kind)\",name=\"\(.name | text)\"} 1"' <<<"$3"
    jq -r '.unverified[].place' <<<"$3" | sort -u | while IFS= read -r place; do
      grep -F "restorable_coverage_$1{" "$FILE" 2>/dev/null | grep -F ",place=\"$place\"," || true
    done
  } | sort -u
}

# conclude LEDGER OUTCOME CODE
conclude() {
  local code=$3
  if [ "$METRICS" = y ] && ! { series "$1" "$2" | replace_file "$FILE"; }; then [ "$code" != 0 ] || code=2; fi
  exit "$code"
}

if ! why=$(ask_all); then
  printf 'coverage: could not verify: Prometheus at %s: %s\n' "$PROMETHEUS_URL" "$why" >&2
  [ "$JSON" = n ] || jq -nc --argjson at "$NOW" --arg why "$why" '{at: $at, outcome: "unverified", why: $why}'
  conclude "" unverified 2
fi
made=$(settings) || fatal "$CONFIG: ACCEPTED is no JSON, or a bound no number"
ledger=$(jq -nc --argjson now "$NOW" --argjson settings "$made" --slurpfile live "$WORK/live" --slurpfile evidence "$WORK/evidence" \
  '{live: $live[0], evidence: $evidence[0]}' | jq -c --argjson now "$NOW" --argjson settings "$made" -f "$LIB/ledger.jq") ||
  { echo "coverage: could not verify: the answers of Prometheus cannot be joined" >&2; conclude "" unverified 2; }

verdict=$(jq -r --arg strict "$STRICT" '
  if .counts.uncovered + (if $strict == "y" then .counts.undrilled else 0 end) > 0 then "fail"
  elif (.unverified | length) > 0 or (.things | length) == 0 then "unverified" else "pass" end' <<<"$ledger")
# Something is uncovered, whatever else could not be seen: but then the run is no whole one.
complete=$(jq -r '(.unverified | length) == 0' <<<"$ledger")
case "$verdict" in pass) code=0 ;; fail) code=1 ;; *) code=2 ;; esac
if [ "$JSON" = y ]; then jq -c --arg outcome "$verdict" '{at, outcome: $outcome} + .' <<<"$ledger"; else
  table "$ledger"
  echo
  words "$ledger"
fi
if [ "$complete" = true ]; then conclude "$ledger" "$verdict" "$code"; else conclude "$ledger" unverified "$code"; fi
