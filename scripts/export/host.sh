# shellcheck shell=bash disable=SC2034,SC2153
# Exports as the drill host handles them: in an ephemeral container that has the reader's key and the identity. After the
# parts of scripts/drill and scripts/restore/settings.sh.

# in_export WORDS...: scripts/export/inside.sh in the container, as postgres; its standard input is this function's.
in_export() {
  incus --quiet --project "$INCUS_PROJECT" exec "$CONTAINER" --cwd / -- runuser -u postgres -- env \
    EXPORTS_ROOT="$EXPORTS_ROOT" PG_MAJOR="$PG_MAJOR" bash /run/restorable-drill/inside.sh "$@" 9>&-
}

preflight_exports() {
  local file
  [ -n "$EXPORTS_ROOT" ] || fatal "EXPORTS_ROOT is not set in $CONFIG: this stack has no exports"
  preflight_tools
  for file in "$EXPORTS_DIR"/{rclone.conf,identity}; do
    [ -r "$file" ] || verdict unverified config_missing "$file is missing"
  done
  preflight_incus
}

prepare_exports() {
  local note="packages of the image" ids
  if ! ic exec "$CONTAINER" -- sh -c "command -v age && command -v rclone && test -x /usr/lib/postgresql/$PG_MAJOR/bin/postgres" \
    >/dev/null 2>&1; then
    note="packages installed"
    { attended install_packages && attended install_tools; } ||
      verdict unverified packages_unavailable "$(headline "$(grep -E '^E:' "$WORK/apt" || tail -n 1 "$WORK/apt")")"
  fi
  ids="$(ic exec "$CONTAINER" -- sh -c 'id -u postgres; id -g postgres')" ||
    verdict unverified launch_failed "no user postgres in $CONTAINER"
  # shellcheck disable=SC2034 # of push
  PG_UID="${ids%%$'\n'*}" PG_GID="${ids##*$'\n'}"
  ic exec "$CONTAINER" -- install -d -o postgres -g postgres -m 0700 /run/restorable-drill /var/lib/postgresql \
    2>"$WORK/err" || verdict unverified push_failed "$(headline "$(cat "$WORK/err")")"
  push "$EXPORT_LIB/inside.sh" /run/restorable-drill/inside.sh 0700
  push "$EXPORT_LIB/store.sh" /run/restorable-drill/store.sh 0600
  push "$TOOLS/restore/properties.sh" /run/restorable-drill/properties.sh 0600
  push "$EXPORTS_DIR/rclone.conf" /run/restorable-drill/rclone.conf 0600
  push "$EXPORTS_DIR/identity" /run/restorable-drill/identity 0600
  [ ! -r "$EXPORTS_DIR/store-ca.crt" ] || push "$EXPORTS_DIR/store-ca.crt" /run/restorable-drill/store-ca.crt 0600
  step_end "$note, the reader's key and the identity"
}

install_tools() {
  ic exec "$CONTAINER" -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends age rclone \
    >"$WORK/apt" 2>&1
}

# What a text of rclone means: "<fail|unverified> <reason>".
classify_store() {
  case "$1" in
    *x509* | *certificate*) echo "unverified store_tls" ;;
    *RequestTimeTooSkewed*) echo "unverified clock_skew" ;;
    *AccessDenied* | *Forbidden* | *InvalidAccessKeyId* | *SignatureDoesNotMatch* | *"status code: 403"*) echo "fail access_denied" ;;
    *NoSuchBucket* | *NoSuchKey* | *"not found"*) echo "fail no_export" ;;
    *"o space left on device"*) echo "unverified disk_too_small" ;;
    *) echo "unverified store_unreachable" ;;
  esac
}

# list_exports: leaves `FOLDER STAMP BYTES complete|incomplete` in $WORK/exports, oldest first.
list_exports() {
  local outcome reason
  attended in_export list >"$WORK/exports" 2>"$WORK/err" </dev/null && return
  read -r outcome reason <<<"$(classify_store "$(cat "$WORK/err")")"
  verdict "$outcome" "$reason" "$(headline "$(cat "$WORK/err")")"
}

# newest_export FOLDER [SECONDS]: its newest complete export, not newer than that time: `STAMP BYTES`, or nothing.
newest_export() {
  local folder stamp bytes state found=""
  while read -r folder stamp bytes state; do
    if [ "$folder" != "$1" ] || [ "$state" != complete ]; then continue; fi
    if [ -n "${2:-}" ] && [ "$(stamp_seconds "$stamp")" -gt "$2" ]; then continue; fi
    found="$stamp $bytes"
  done <"$WORK/exports"
  printf '%s\n' "$found"
}

# fetch_export FOLDER STAMP: into the container, compared with its seal, decrypted. Sets DUMPED_BYTES.
fetch_export() {
  local rc=0 text outcome reason
  attended in_export fetch "$1" "$2" >"$WORK/fetched" 2>"$WORK/err" </dev/null || rc=$?
  text="$(cat "$WORK/err")"
  case "$rc" in
    0) DUMPED_BYTES="$(cat "$WORK/fetched")"; return ;;
    10) verdict fail corrupted_export "$(headline "$text")" ;;
    11) verdict fail wrong_key "$1 $2 is encrypted to other recipients than the identity of this host" ;;
    12)
      read -r outcome reason <<<"$(classify_store "$text")"
      verdict "$outcome" "$reason" "$(headline "$text")"
      ;;
    *) verdict unverified check_failed "$(headline "$text")" ;;
  esac
}
