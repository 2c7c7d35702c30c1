#!/usr/bin/env bash
# Compares what clients were told with the rows that are there.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: check-history.sh HISTORY ROWS
HISTORY   lines `sent WRITER NUMBER TIME` and `done WRITER NUMBER TIME acknowledged|refused|unknown SERVER`
ROWS      lines `WRITER NUMBER`, one for each row in the table

An acknowledged row must be there once. A refused one must not be there. One whose fate is unknown, because the
connection was lost or nothing was heard, may be there or not, but once at most. No other row may be there.

Prints one line `acknowledged=N refused=N unknown=N unknown_there=N lost=N doubled=N unasked=N`, then a line for each
violation. Exit: 0 no violation; 1 violations; 2 the files cannot be read, make no sense, or hold no acknowledged row.
TEXT
}

case ${1:-} in
  --help | -h)
    usage
    exit 0
    ;;
esac
if (($# != 2)); then
  usage >&2
  exit 2
fi

LC_ALL=C awk -v history="$1" '
  function bad(text) { print "check-history: " text > "/dev/stderr"; broken = 1; exit 2 }
  function violation(kind, key) { count[kind]++; split(key, part, SUBSEP); lines[++n] = kind " " part[1] " " part[2] }
  BEGIN {
    while ((got = (getline line < history)) > 0) {
      fields = split(line, f, " ")
      key = f[2] SUBSEP f[3]
      if (f[1] == "sent" && fields == 4) {
        if (key in sent) bad("sent twice by the client itself: " line)
        sent[key] = 1; order[++total] = key
      } else if (f[1] == "done" && fields >= 5 && f[5] ~ /^(acknowledged|refused|unknown)$/) {
        if (!(key in sent) || (key in outcome)) bad("an end without its beginning: " line)
        outcome[key] = f[5]
      } else bad("not a line of a history: " line)
    }
    if (got < 0) bad(history " cannot be read")
  }
  NF != 2 { bad("not a row: " $0) }
  { there[$1, $2]++ }
  END {
    if (broken) exit 2
    for (i = 1; i <= total; i++) {
      key = order[i]
      # A client that was ended in the middle of a write does not know either.
      what = (key in outcome) ? outcome[key] : "unknown"
      count[what]++
      if (what == "unknown" && there[key] == 1) count["unknown_there"]++
      if (what == "acknowledged" && there[key] + 0 == 0) violation("lost", key)
      if (what == "refused" && there[key] + 0 > 0) violation("unasked", key)
      else if (there[key] + 0 > 1) violation("doubled", key)
    }
    for (key in there) if (!(key in sent)) violation("unasked", key)
    printf "acknowledged=%d refused=%d unknown=%d unknown_there=%d lost=%d doubled=%d unasked=%d\n", count["acknowledged"],
      count["refused"], count["unknown"], count["unknown_there"], count["lost"], count["doubled"], count["unasked"]
    for (i = 1; i <= n; i++) print lines[i]
    if (n > 0) exit 1
    if (count["acknowledged"] + 0 == 0) { print "check-history: no acknowledged row: nothing is proven" > "/dev/stderr"; exit 2 }
  }' "$2"
