# Prelude of every converge step: put before the step's script by `step`, on the host or in the container.
set -euo pipefail
umask 022

say() { printf '%s\n' "$TARGET: $*" >&2; }
fail() {
  printf '%s\n' "restorable: $TARGET: $*" >&2
  exit 1
}

if [ -z "$CONTAINER" ]; then manifest_dir=$STATE_DIR/manifest; else manifest_dir=/var/lib/restorable/manifest; fi
mkdir -p "$manifest_dir"
chmod 0700 "$manifest_dir"
manifest=$manifest_dir/$TARGET.$STEP.new
: >"$manifest"

# track PATH: the file belongs to this step; `facts` reports when its content changes by another hand.
track() { sha256sum "$1" >>"$manifest"; }

# track_image ALIAS: this step made the image on this host; `facts` reports when it is not there any more.
track_image() {
  mkdir -p "$STATE_DIR/images"
  printf '%s\n' "$1" >"$STATE_DIR/images/$TARGET.$STEP"
}

# install_file PATH MODE OWNER <content: written only when it differs, by an atomic rename.
# Sets CHANGED=1 when it wrote; steps look at it to decide on a reload. Not behind a pipe: a subshell would lose it.
# shellcheck disable=SC2034
CHANGED=0
install_file() {
  local path=$1 mode=$2 owner=$3 tmp
  mkdir -p "$(dirname "$path")"
  tmp=$(mktemp "$path.XXXXXX")
  cat >"$tmp"
  chown "$owner" "$tmp"
  chmod "$mode" "$tmp"
  if [ -f "$path" ] && cmp -s "$tmp" "$path" && [ "$(stat -c '%a %U' "$path")" = "$(stat -c '%a %U' "$tmp")" ]; then
    rm -f "$tmp"
  else
    mv -f "$tmp" "$path"
    # shellcheck disable=SC2034
    CHANGED=1
    say "$path written"
  fi
  track "$path"
}

# install_certificates: CA, and CERTIFICATE beside the key that step tls-key made. A certificate of another key, as an older
# state of the stack has it, is never installed: the server would not start again. Then the standing one stays where it
# holds, and the request is taken away, so that the next update sees tls-key as altered and signs that of the key.
install_certificates() {
  local dir=/etc/restorable/tls own again
  own=$(openssl pkey -in "$dir/server.key" -pubout 2>/dev/null) || fail "no private key in $dir"
  install_file "$dir/ca.crt" 0644 root <<<"$CA"
  if [ "$(openssl x509 -noout -pubkey 2>/dev/null <<<"$CERTIFICATE")" = "$own" ]; then
    install_file "$dir/server.crt" 0644 root <<<"$CERTIFICATE"
    return
  fi
  again="the certificate in the state belongs to another key than $dir/server.key: the state is older than this container. Run \`pulumi up\` again, which signs one for it"
  rm -f "$dir/server.csr"
  if [ "$(openssl x509 -in "$dir/server.crt" -noout -pubkey 2>/dev/null)" = "$own" ] &&
    openssl verify -CAfile "$dir/ca.crt" "$dir/server.crt" >/dev/null 2>&1; then
    say "$again; until then the one that stands stays"
    track "$dir/server.crt"
  else
    fail "$again"
  fi
}

# install_units TEXT: unit files, each after a line `# /etc/systemd/system/NAME`; enables those with [Install].
install_units() {
  local text=$1 path content enable=()
  while IFS= read -r path; do
    content=$(awk -v path="# $path" '$0 == path {on = 1; next} /^# \/etc\/systemd\/system\// {on = 0} on' <<<"$text")
    install_file "$path" 0644 root <<<"$content"
    if grep -qx '\[Install\]' <<<"$content"; then enable+=("${path##*/}"); fi
  done < <(sed -n 's/^# \(\/etc\/systemd\/system\/.*\)/\1/p' <<<"$text")
  systemctl daemon-reload
  systemctl enable -q "${enable[@]}"
  for path in "${enable[@]}"; do
    case "$path" in *.timer) systemctl start "$path" ;; esac
  done
}

# remove_other_units TEXT PATTERN...: stops and removes units of these names (shell patterns) that TEXT does not hold.
remove_other_units() {
  local text=$1 path pattern
  shift
  for pattern in "$@"; do
    for path in /etc/systemd/system/$pattern; do
      [ -f "$path" ] || continue
      if grep -qxF "# $path" <<<"$text"; then continue; fi
      systemctl disable -q --now "${path##*/}" 2>/dev/null || true
      rm -f "$path" "/var/lib/systemd/timers/stamp-${path##*/}"
      say "${path##*/} removed"
    done
  done
}

# wait_for SECONDS DESCRIPTION COMMAND...: polls twice a second; fails with the description.
wait_for() {
  local seconds=$1 what=$2 start=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $((SECONDS - start)) -ge "$seconds" ]; then fail "$what: not within $seconds s"; fi
    sleep 0.5
  done
}

step_done() {
  case "$STEP" in
    *-remove) rm -f "$manifest" ;;
    *) mv -f "$manifest" "${manifest%.new}" ;;
  esac
}
