#!/usr/bin/env bash
# The restore drill of the cluster's dumps, in a pod that can reach the bucket and no database. Run by its CronJob.
# shellcheck disable=SC2034,SC2317 # traps and parts call functions, and read what is set
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: drill.sh
For each database: fetches its newest dump with the reader's key, compares it with its seal, decrypts it, restores it
(pg_restore --exit-on-error) into a Postgres that this pod starts for it, compares the rows of each table with those that
were counted when it was dumped, asks for its floor, checks every relation (pg_amcheck --heapallindexed), and throws the
Postgres away. It holds no credential of a live database.

Exit: 0 all passed; 1 one failed: that dump is not good for a restore; 2 one could not be verified (or wrong settings).
1 comes before 2.

Settings, from the environment:
  EXPORTS_ROOT      REMOTE:BUCKET/PREFIX of the dumps for rclone
  ONLY              this one of the names only; empty for all
  DISK_RESERVE_MIB  space that has to be left beside what is restored (default 64)
  PUSHGATEWAY_URL METRICS_PREFIX
Files: /etc/restorable/store/rclone.conf, /etc/restorable/identity/identity,
  /etc/restorable/public/{backups.json,store-ca.crt}; RESTORABLE_ETC names another folder than /etc/restorable. TMPDIR has
  room for dump and database.
TEXT
}
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/metrics/textfile.sh
. "$here/../metrics/textfile.sh"
only_help "$@"
# shellcheck source=scripts/kubernetes/pod.sh
. "$here/pod.sh"
# shellcheck source=scripts/export/store.sh
. "$here/../export/store.sh"
# shellcheck source=scripts/drill/depth.sh
. "$here/../drill/depth.sh"
# shellcheck source=scripts/kubernetes/backups.sh
. "$here/backups.sh"
need EXPORTS_ROOT PUSHGATEWAY_URL METRICS_PREFIX STANZA
etc=${RESTORABLE_ETC:-/etc/restorable}
export LC_ALL=C
umask 077
bucket_settings
[ -r "$etc/identity/identity" ] || { echo "cannot read $etc/identity/identity" >&2; exit 2; }
work=$(mktemp -d)
REPORT=report
trap conclude EXIT
trap 'end_child; [ "$WORST" = 1 ] || WORST=2; exit' TERM INT

report() {
  local at verdict='' success='' passed='' line
  at=$(date +%s)
  case $OUTCOME in
    pass) success=1 passed=$at verdict=$at ;;
    fail) success=0 verdict=$at ;;
  esac
  {
    gauge cluster_drill_last_success "1 if the last drill with a verdict passed, 0 if it failed; reason says why." \
      "$success" "reason=\"$REASON\""
    gauge cluster_drill_last_run_timestamp_seconds "End of the last drill that came to a verdict." "$verdict"
    gauge cluster_drill_last_success_timestamp_seconds "End of the last drill that passed." "$passed"
    gauge cluster_drill_last_attempt_timestamp_seconds "End of the last drill, whatever came of it." "$at"
    outcomes cluster_drill_outcome "Outcome of the last drill: 1 for the one that holds." "$OUTCOME"
    gauge cluster_drill_unverified_info "1 if the last drill could not verify; reason says why." \
      "$([ "$OUTCOME" = unverified ] && echo 1 || echo 0)" "reason=\"$REASON\""
    if [ "$OUTCOME" = pass ]; then
      gauge cluster_drill_duration_seconds "Wall clock of this database's part." "$((at - BEGAN))"
      while read -r line; do
        case $line in
          restore=*) gauge cluster_drill_restore_duration_seconds "Wall clock of the restore alone." "${line#*=}" ;;
          dumped=*) gauge cluster_drill_dump_timestamp_seconds "When the drilled dump was made." "${line#*=}" ;;
          tables=*) gauge cluster_drill_tables "Tables whose rows were compared." "${line#*=}" ;;
          rows=*) gauge cluster_drill_rows "Rows in them, equal to what was dumped." "${line#*=}" ;;
        esac
      done <"$work/measured"
    fi
  } | push POST restorable_cluster_drill "$NAMESPACE" "$SOURCE" "$DATABASE"
}

# in_copy WORDS...: the part that exports and dumps share, in this pod.
in_copy() {
  EXPORT_RUN=$work/run EXPORT_FOLDER=$work/export PG_MAJOR=$MAJOR PGUSER=postgres bash "$here/../export/inside.sh" "$@"
}

# check_room BYTES
check_room() {
  local free need=$(($1 + ${DISK_RESERVE_MIB:-64} * 1048576))
  free=$(in_copy free) || verdict unverified disk_unknown "the free space of the pod cannot be read"
  ((free >= need)) ||
    verdict unverified disk_too_small "$((free / 1048576)) MiB free, $((need / 1048576)) MiB needed: drill.size is too small"
}

failed_restore() {
  case $(cat "$work/said") in
    *"o space left on device"*) verdict unverified disk_too_small "$NAME does not fit into the pod: drill.size is too small" ;;
    *"ERROR:  invalid locale name"* | *"ERROR:  invalid LC_"*" locale name"* | *"ERROR:  could not create locale"*) verdict unverified locale_missing "$(said "$work/said")" ;;
  esac
  verdict fail restore_failed "$(grep -iE 'error:|FATAL:' "$work/said" | head -n 1 | cut -c1-300)"
}

database_part() {
  local stamp bytes dumped rc=0 outcome reason began exported now table tables=0 total=0 rows options=()
  # A Postgres that a verdict leaves behind ends with the part.
  trap 'in_copy stop 2>/dev/null' EXIT
  [ -x "/usr/lib/postgresql/$MAJOR/bin/initdb" ] ||
    verdict unverified server_missing "the drill's image has no Postgres $MAJOR server: kubernetes.drill.image"
  mkdir -p "$work/run" "$work/export"
  ln -s "$etc/store/rclone.conf" "$etc/identity/identity" "$work/run"
  [ -z "$STORE_CA" ] || ln -s "$STORE_CA" "$work/run/store-ca.crt"
  ln -s "$(realpath "$here/../export/store.sh")" "$(realpath "$here/../restore/properties.sh")" "$work/run"
  newest_of "$NAME"
  read -r stamp bytes <<<"$NEWEST"
  # Beside each other for a moment: what is encrypted and what is not.
  check_room $((bytes * 2))
  dumped=$(in_copy fetch "$NAME" "$stamp" 2>"$work/said") || rc=$?
  case $rc in
    0) ;;
    10)
      grep -q 'No space left' "$work/said" && verdict unverified disk_too_small "$(said "$work/said")"
      verdict fail corrupted_dump "$(said "$work/said")" ;;
    11) verdict fail wrong_key "$stamp is encrypted to other recipients than the drill's identity" ;;
    12)
      read -r outcome reason <<<"$(store_outcome "$(cat "$work/said")")"
      verdict "$outcome" "$reason" "$(said "$work/said")" ;;
    *) verdict unverified check_failed "$(said "$work/said")" ;;
  esac
  check_room "$dumped"
  in_copy cluster >"$work/said" 2>&1 || verdict unverified server_does_not_start "$(said "$work/said")"
  began=$(date +%s)
  if in_copy has-roles; then
    in_copy roles roles 2>"$work/said" || failed_restore
  else
    # Owners that are not there: the data alone are proven then.
    options=(--no-owner --no-acl)
  fi
  in_copy restore "$DATABASE" "${options[@]}" 2>"$work/said" || failed_restore
  echo "restore=$(($(date +%s) - began))" >>"$work/measured"
  in_copy counts "$DATABASE" >"$work/counts" 2>"$work/said" || verdict unverified check_failed "$(said "$work/said")"
  while read -r exported now table; do
    [ "$now" != missing ] || verdict fail missing_table "$table is not there, $exported rows were dumped"
    [ "$exported" = "$now" ] || verdict fail rows_differ "$table: $exported rows were dumped, $now are there"
    total=$((total + now)) tables=$((tables + 1))
  done <"$work/counts"
  if [ -n "$FLOOR_QUERY" ]; then
    rows=$(in_copy query "$DATABASE" <<<"$FLOOR_QUERY;" 2>"$work/said" | tr -d '[:space:]') || rows=''
    [[ $rows =~ ^[0-9]{1,18}$ ]] || verdict fail floor_failed "floor.query does not return one whole number: $(said "$work/said")"
    ((rows >= FLOOR_MINIMUM)) || verdict fail below_floor "$rows rows, at least $FLOOR_MINIMUM expected"
  fi
  if ! in_copy amcheck "$DATABASE" >"$work/amcheck" 2>"$work/said"; then
    cat "$work/said" >>"$work/amcheck"
    read -r outcome reason <<<"$(classify_depth amcheck "$(cat "$work/amcheck")")"
    verdict "$outcome" "$reason" "$(first_lines "$work/amcheck")"
  fi
  printf 'dumped=%s\ntables=%s\nrows=%s\n' "$(stamp_seconds "$stamp")" "$tables" "$total" >>"$work/measured"
  verdict pass none "$tables tables, $total rows of $stamp, as they were dumped${rows:+; floor $rows}$( ((${#options[@]} == 0)) || echo '; without owners')"
}

set +e
parts databases database_part report
[ -n "${FOUND:-}" ] || { echo "there is no database of the name ${ONLY:-any}" >&2; WORST=2; }
exit
