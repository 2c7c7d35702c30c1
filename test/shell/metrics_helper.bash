# Settings, a folder for the files, and stand-ins of systemctl and openssl's certificates.
# shellcheck disable=SC2034 # what it sets is used by the tests

metrics_setup() {
  SCRIPTS="$BATS_TEST_DIRNAME/../../scripts"
  STUBS="$BATS_TEST_TMPDIR/stubs"
  METRICS="$BATS_TEST_TMPDIR/metrics"
  export STATE_DIRECTORY="$BATS_TEST_TMPDIR/state" ARCHIVE_LOGS="$BATS_TEST_TMPDIR/log"
  mkdir -p "$STUBS" "$METRICS" "$ARCHIVE_LOGS"
  PATH="$STUBS:$PATH"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /dev/null -subj /CN=x -days 10 \
    -out "$BATS_TEST_TMPDIR/good.crt" 2>/dev/null
  echo garbage >"$BATS_TEST_TMPDIR/bad.crt"
  cat >"$BATS_TEST_TMPDIR/metrics.env" <<ENV
METRICS_DIRECTORY='$METRICS'
TIMERS='on.timer off.timer'
CERTIFICATES='$BATS_TEST_TMPDIR/good.crt $BATS_TEST_TMPDIR/bad.crt $BATS_TEST_TMPDIR/none.crt'
STANZA='main'
REPOSITORIES='${REPOSITORIES:-1}'
NODES_EXPECTED='2'
HOST='host-a'
INCUS_PROJECT='p'
STORAGE_POOL='pool'
VOLUMES='a-data b-data'
ENV
  export RESTORABLE_METRICS_ENV="$BATS_TEST_TMPDIR/metrics.env"
  stub systemctl <<'STUB'
case "$*" in
  *on.timer) [ "${SYSTEMD:-up}" = up ] || exit 1; echo active ;;
  *) echo inactive; exit 3 ;;
esac
STUB
}

# stub NAME <body
stub() {
  { echo '#!/usr/bin/env bash'; cat; } >"$STUBS/$1"
  chmod +x "$STUBS/$1"
}

# value FILE SERIES: of one series, nothing when it is not there.
value() { awk -v series="$2" '{ at = length($0) - length($NF) } substr($0, 1, at - 1) == series { print $NF }' "$METRICS/$1" 2>/dev/null; }

# is FILE SERIES VALUE
is() {
  [ "$(value "$1" "$2")" = "$3" ] || { echo "$2 is '$(value "$1" "$2")', not '$3'"; cat "$METRICS/$1"; return 1; }
}

# readable FILE: as node_exporter needs it; no leftovers beside it.
readable() {
  [ "$(stat -c %a "$METRICS/$1")" = 644 ]
  [ -z "$(find "$METRICS" -name '.*.prom.*')" ]
  run ! grep -vE '^(# (HELP|TYPE) |[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [-+0-9.e]+$)' "$METRICS/$1"
}
