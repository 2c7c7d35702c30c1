# The dump of one kind on this host: its scripts in a folder of their own, its settings, its schedule. The dump command runs
# once before anything is put into place: what it gives is looked at and goes nowhere.
# Settings: KIND DIRECTORY ENV_FILE PROGRAMS CRON UNITS METRICS_DIR STORE_CA RECIPIENTS; CRON or UNITS is empty. Secrets, with
# a copy off site: RCLONE_CONF
for program in $PROGRAMS; do
  command -v "$program" >/dev/null || fail "the dump of $KIND needs $program on host $HOST_NAME (Debian: apt-get install $program)"
done
if [ -n "$CRON" ]; then
  # Debian's cron, or that of others.
  systemctl is-active -q cron || systemctl is-active -q crond ||
    fail "no cron runs on host $HOST_NAME: install it (Debian: apt-get install cron), or set dumps.scheduler to timer"
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/lib" "$stage/lib/metrics" "$stage/lib/export"
cp -R "$BUNDLE/dump" "$stage/lib/dump"
mv "$stage/lib/dump/"{backup,restore}.sh "$stage"
cp "$BUNDLE/metrics/textfile.sh" "$stage/lib/metrics/"
cp "$BUNDLE/export/"{store,upload}.sh "$stage/lib/export/"
printf '%s\n' "$ENV_FILE" >"$stage/dump.env"
if [ -n "$RECIPIENTS" ]; then
  printf '%s\n' "$RECIPIENTS" >"$stage/recipients"
  (umask 077; printf '%s\n' "$RCLONE_CONF" >"$stage/rclone.conf")
  [ -z "$STORE_CA" ] || printf '%s\n' "$STORE_CA" >"$stage/store-ca.crt"
fi
# The lock of a run that goes on is waited for.
install -d -m 0700 /run/restorable
wait_for 900 "the end of the dump that is going" flock -n "/run/restorable/dump-$KIND.lock" true
tried=$(bash "$stage/backup.sh" --check 2>&1) || fail "the dump of $KIND does not work on host $HOST_NAME: $tried"
say "$tried"

install -d -m 0755 "$METRICS_DIR"
# One that is there keeps its mode: it may be somebody's.
for folder in "$DIRECTORY" "$DIRECTORY/lib"; do [ -d "$folder" ] || install -d -m 0700 "$folder"; done
while IFS= read -r part; do
  mode=0600
  case "$part" in backup.sh | restore.sh) mode=0700 ;; esac
  install_file "$DIRECTORY/$part" "$mode" root <"$stage/$part"
done < <(cd "$stage" && find . -type f -printf '%P\n' | LC_ALL=C sort)
for part in recipients rclone.conf store-ca.crt; do
  [ -e "$stage/$part" ] || rm -f "$DIRECTORY/$part"
done

if [ -n "$CRON" ]; then
  . "$BUNDLE/dump-schedule-remove.sh"
  install_file "/etc/cron.d/restorable-dump-$KIND" 0644 root <<<"$CRON"
else
  rm -f "/etc/cron.d/restorable-dump-$KIND"
  install_units "$UNITS"
fi
