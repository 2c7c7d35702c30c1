# shellcheck shell=bash disable=SC2154
# From events, servers and histories to the figures of a run, and from runs to median and p95.

# Reads $WORK/{events,servers,history} for a break at $1 of node $2; prints one JSON object. Times in seconds.
#   events   lines `TIME NODE REPORTED GOAL` of the monitor
# detection   until the monitor gives a node another role because of the break
# demotion    from then until it lets the new primary take writes: it waited for the old one to stop
# promotion   from then until the new primary takes a row
# client      from then until the first row is accepted at the application's connection string
measure() {
  local since=$1 broken=$2
  LC_ALL=C awk -v since="$since" -v broken="$broken" -v addresses="$(addresses)" '
    function seconds(x) { return x == "" ? "null" : sprintf("%.2f", x < 0 ? 0 : x) }
    BEGIN { n = split(addresses, pair, " "); for (i = 1; i <= n; i++) { split(pair[i], part, "="); node[part[2]] = part[1] } }
    FILENAME ~ /servers$/ {
      if ($1 < since) { old[$4] = 1; next }
      if ($4 in old) next
      if ($3 == "client" && first == "") { first = $1; server = $4; sub(/@.*/, "", server); primary = node[server] }
      if ($3 == "client" && !($2 in back)) back[$2] = $1
      if ($3 == "probe" && !($4 in up)) up[$4] = $1
      next
    }
    FILENAME ~ /events$/ {
      if ($1 < since) next
      if (decided == "" && $3 != $4) decided = $1
      if ($2 == primary && allowed == "" && ($4 == "wait_primary" || $4 == "primary" || $4 == "single")) allowed = $1
      next
    }
    # The last row that a client was told of before it wrote on the new server.
    $1 == "done" && $5 == "acknowledged" && $2 in back && $4 < back[$2] { before[$2] = $4 }
    END {
      for (s in up) { a = s; sub(/@.*/, "", a); if (node[a] == primary && primary != "") survivor = up[s] }
      for (c in back) { clients++; gap = back[c] - before[c]; if (gap > longest) longest = gap }
      same = primary != "" && primary == broken
      if (same) { decided = allowed = "" }
      # The probe looks ten times a second: a client may be there before it.
      if (first != "" && (survivor == "" || survivor > first)) survivor = first
      if (allowed != "" && allowed > survivor) allowed = survivor
      printf "{\"newPrimary\":%s,\"firstWriteSeconds\":%s,\"survivorWriteSeconds\":%s,\"gapSeconds\":%s,\"clientsBack\":%d,", \
        primary == "" ? "null" : "\"" primary "\"", first == "" ? "null" : seconds(first - since), \
        survivor == "" ? "null" : seconds(survivor - since), clients ? seconds(longest) : "null", clients
      printf "\"detectionSeconds\":%s,\"demotionSeconds\":%s,\"promotionSeconds\":%s,\"clientSeconds\":%s}\n", \
        decided == "" ? "null" : seconds(decided - since), allowed == "" || decided == "" ? "null" : seconds(allowed - decided), \
        allowed == "" ? "null" : seconds(survivor - allowed), first == "" ? "null" : seconds(first - survivor)
    }' "$WORK/servers" "$WORK/events" "$WORK/history"
}

addresses() {
  local name
  for name in "${ALL[@]}"; do printf '%s=%s ' "$name" "${ADDRESS[$name]}"; done
}

# The monitor's events since $1, oldest first, into $WORK/events.
events_collect() {
  on_monitor >"$WORK/events" <<<"SELECT extract(epoch FROM eventtime), nodename, reportedstate, goalstate FROM pgautofailover.event WHERE eventtime >= to_timestamp($1) ORDER BY eventid"
}

# Runs (one JSON object a line) on stdin -> the summary: nearest-rank median and p95 of each figure, the worst history.
summarize() {
  jq -s --arg mode "$MODE" --argjson target "$RTO_TARGET_SECONDS" --argjson exitCode "$1" '
    def rank(p): sort | if length == 0 then null else .[([((length * p) | ceil) - 1, 0] | max)] end;
    def figures(f): map(f) | map(select(. != null)) | {median: rank(0.5), p95: rank(0.95), max: max};
    . as $runs
    | {mode: $mode, targetSeconds: $target, exitCode: $exitCode, passed: (map(select(.verdict == "pass")) | length), runs: $runs,
       summary: (["firstWriteSeconds", "survivorWriteSeconds", "gapSeconds", "detectionSeconds", "demotionSeconds", "promotionSeconds",
                  "clientSeconds", "isolatedStopSeconds", "recoverySeconds"]
                 | map(. as $name | {key: $name, value: ($runs | figures(.[$name]))}) | from_entries)}'
}

# The summary as a table for people.
table() {
  jq -r '
    def cell: if . == null then "     -" else (. * 100 | round / 100 | tostring | if length < 6 then "      "[length:] + . else . end) end;
    {firstWriteSeconds: "first write at the URI", detectionSeconds: "  detection", demotionSeconds: "  demotion",
     promotionSeconds: "  promotion", clientSeconds: "  client", survivorWriteSeconds: "first write on the survivor",
     gapSeconds: "longest gap of a client", isolatedStopSeconds: "isolated primary stopped",
     recoverySeconds: "repair until healthy"} as $names
    | "\(.mode): \(.passed) of \(.runs | length) passed, target \(.targetSeconds) s; acknowledged \(.runs | map(.history.acknowledged // 0) | add // 0), lost \(.runs | map(.history.lost // 0) | add // 0), doubled \(.runs | map(.history.doubled // 0) | add // 0)",
      "seconds                       median    p95    max",
      (.summary as $s | $names | to_entries[] | select($s[.key].max != null)
       | .value + ("                            "[(.value | length):]) + "  \($s[.key].median | cell) \($s[.key].p95 | cell) \($s[.key].max | cell)")'
}
