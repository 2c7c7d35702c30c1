# shellcheck shell=bash disable=SC2034,SC2317
# Hides one file of a backup and puts it back. While it is hidden, a note in the bucket says so: a run that is killed,
# or loses power, is made good by the next one, on whichever node that is.

MOST_BYTES=67108864
NOTE_NAME=hidden

# oldest_copy: sets FILE to backup.manifest.copy of the oldest full backup that has one, VICTIM to its current version.
oldest_copy() {
  local label
  s3 GET "" "delimiter=%2F&list-type=2&prefix=$(encoded "${PREFIX}backup/$STANZA/")"
  ok || verdict unverified access_denied "the writer key may not list the bucket: $(answered)"
  tr -d '\n' <"$WORK/body" | grep -o '<Prefix>[^<]*/[0-9]\{8\}-[0-9]\{6\}F/</Prefix>' | sed 's/.*\/\([0-9F-]*\)\/<.*/\1/' | sort >"$WORK/labels" || true
  while read -r label; do
    FILE="${PREFIX}backup/$STANZA/$label/backup.manifest.copy"
    versions "$FILE"
    if read -r kind VICTIM MODIFIED bytes <"$WORK/versions" && [ "$kind" = version ] && [ "$bytes" -le "$MOST_BYTES" ]; then return 0; fi
  done <"$WORK/labels"
  verdict unverified no_backup "there is no full backup whose backup.manifest.copy could be tried on"
}

# probe_backup: hide, show, put back, and then the attempts on the version that an attacker would be after.
probe_backup() {
  local kind bytes before
  oldest_copy
  s3 GET "$FILE" "versionId=$VICTIM"
  ok || verdict unverified access_denied "GET of $FILE: $(answered)"
  cp "$WORK/body" "$WORK/manifest"
  SUM="$(sum_of "$WORK/manifest")"
  # The target time lies between the version and its hiding, and whole seconds count.
  until [ "$(store_now)" -gt "$(($(epoch "$MODIFIED") + 1))" ]; do
    sleep 0.5
    s3 GET "$FILE" "versionId=$VICTIM"
  done
  before="$(store_now)"
  printf '%s\n%s\n%s\n' "$FILE" "$VICTIM" "$SUM" >"$WORK/note"
  put "$FOLDER/$NOTE_NAME" "$WORK/note"
  HIDDEN_KEY="$FILE"
  s3 DELETE "$FILE"
  ok || verdict unverified access_denied "the writer key may not delete by name, which expire needs: $(answered)"
  versions "$FILE"
  cp "$WORK/versions" "$WORK/versions.hidden"
  read -r kind _ HIDDEN_AT _ <"$WORK/versions" || kind=""
  [ "$kind" = marker ] || found delete_destroyed "hide ${FILE##"$PREFIX"}" "the store made no delete marker"
  if has "$FILE" "$VICTIM" "$SUM"; then
    say ok "hide ${FILE##"$PREFIX"}" "its version is still there"
    [ "$kind" != marker ] || show_target_time "$before"
  else
    found delete_destroyed "hide ${FILE##"$PREFIX"}" "the version is GONE"
  fi
  put_back_or_leave || verdict unverified put_back_pending "the next run puts ${FILE##"$PREFIX"} back"
  say ok "put it back" "the same bytes are current again"
  destroy "$FILE" "$VICTIM" "$SUM" "the backup's old version"
}

# as_postgres COMMAND...: pgBackRest refuses root.
as_postgres() {
  if [ "$EUID" = 0 ] && id -u postgres >/dev/null 2>&1; then
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

# What a person would do to get at what was hidden. $1 the store's time before that.
show_target_time() {
  local version file="${FILE##"$PREFIX"}" target rc=0
  version="$(as_postgres pgbackrest version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')" || version=""
  # shellcheck disable=SC2086 # two numbers
  if [ -z "$version" ] || ! at_least_2_54 $version; then
    lacks repo_target_time "COULD NOT VERIFY: pgBackRest ${version:+${version/ /.}}${version:-is not here}, --repo-target-time needs 2.54"
    return
  fi
  # The times of versions are all that the option goes by.
  if [ "$(awk -v id="$VICTIM" '$2 == id { print $3 }' "$WORK/versions.hidden")" != "$MODIFIED" ] || [ "$(epoch "$HIDDEN_AT")" -lt "$1" ]; then
    lacks repo_target_time "COULD NOT VERIFY: this store gives a version another time when it is hidden"
    return
  fi
  target="$(date -u -d "@$(($(epoch "$HIDDEN_AT") - 1))" '+%F %T+00')"
  local pgb=(timeout -k 5 120 pgbackrest "--stanza=$STANZA" "--repo=$REPO" --log-level-console=off --log-level-file=off --log-level-stderr=error)
  if as_postgres "${pgb[@]}" repo-get --raw "$file" >"$WORK/now" 2>"$WORK/err"; then
    verdict unverified answer_unclear "pgBackRest still sees $file, though it is hidden"
  fi
  as_postgres "${pgb[@]}" --repo-target-time="$target" repo-get --raw "$file" >"$WORK/then" 2>"$WORK/err" || rc=$?
  if [ "$rc" = 0 ] && [ "$(sum_of "$WORK/then")" = "$SUM" ]; then
    say ok "pgbackrest --repo-target-time=\"$target\"" "brings it back, byte for byte"
    return
  fi
  case "$(cat "$WORK/err")" in
    *HostConnectError* | *"timeout"* | *ServiceError*) verdict unverified store_unreachable "$(head -n 1 "$WORK/err")" ;;
  esac
  found target_time_failed "pgbackrest --repo-target-time=\"$target\"" "does not bring it back (exit $rc): $(head -n 1 "$WORK/err" | cut -c1-200)"
}

at_least_2_54() { [ "$1" -gt 2 ] || { [ "$1" = 2 ] && [ "$2" -ge 54 ]; }; }

# put_back_or_leave: tries for a minute; what fails is left to the next run.
put_back_or_leave() {
  local end=$((SECONDS + ${PUT_BACK_SECONDS:-60}))
  while :; do
    if (put_back >"$WORK/put_back" 2>&1); then
      HIDDEN_KEY=""
      return 0
    fi
    [ "$SECONDS" -lt "$end" ] || break
    sleep 2
  done
  say FAIL "put it back" "not possible now ($(tail -n 1 "$WORK/put_back")): the next run does it, or --put-back"
  return 1
}

# put_back: FILE, VICTIM, SUM. Nothing is written over what is newer, nor into a backup that has expired meanwhile.
# For a shell of its own: it ends in a verdict when the store does not answer.
put_back() {
  trap - EXIT
  verdict() { echo "$3"; exit 2; }
  local kind id
  versions "$FILE"
  read -r kind id _ <"$WORK/versions" || kind="" id=""
  if [ "$kind" = marker ] || { [ "$kind" = "" ] && [ -s "$WORK/manifest" ]; }; then
    id="$(awk '$1 == "version" { print $2; exit }' "$WORK/versions")"
    versions "${FILE%.copy}"
    read -r kind _ <"$WORK/versions" || kind=""
    if [ "$kind" != version ]; then
      echo "its backup has expired meanwhile: left as it is"
    elif [ -z "$id" ] || [ "$id" = "$VICTIM" ]; then
      if ! [ -s "$WORK/manifest" ] || [ "$(sum_of "$WORK/manifest")" != "$SUM" ]; then
        has "$FILE" "$VICTIM" "$SUM" || { echo "its version cannot be read"; exit 1; }
        cp "$WORK/body" "$WORK/manifest"
      fi
      put "$FILE" "$WORK/manifest"
      s3 GET "$FILE"
      if [ "$HTTP" != 200 ] || [ "$(sum_of "$WORK/body")" != "$SUM" ]; then
        echo "it reads back differently"
        exit 1
      fi
    fi
  fi
  s3 DELETE "$FOLDER/$NOTE_NAME"
  ok || { echo "the note cannot be removed: $(answered)"; exit 1; }
}

# put_back_leftover: what an interrupted run left hidden.
put_back_leftover() {
  s3 GET "$FOLDER/$NOTE_NAME"
  [ "$HTTP" = 200 ] || return 0
  { read -r FILE && read -r VICTIM && read -r SUM; } <"$WORK/body" || verdict unverified put_back_pending "the note $FOLDER/$NOTE_NAME is broken"
  [[ "$FILE" =~ ^"${PREFIX}backup/$STANZA/"[0-9]{8}-[0-9]{6}F/backup\.manifest\.copy$ ]] ||
    verdict unverified put_back_pending "the note $FOLDER/$NOTE_NAME names $FILE, which no probe hides"
  PUT_BACK_SECONDS=10 put_back_or_leave || verdict unverified put_back_pending "$FILE, hidden by a run that was cut off, cannot be put back"
  say ok "left hidden by a run that was cut off" "$FILE is back"
  rm -f "$WORK/manifest"
}
