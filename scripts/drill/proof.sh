# shellcheck shell=bash disable=SC2034
# The drill changed nothing: what was in the repository before is there afterwards, unchanged.
# The formation goes on meanwhile. New objects are its own; what a backup or its expiry may change or remove is not
# held against anybody, but then the inventories prove nothing: could not verify, unless the key cannot write at all.

INVENTORY="" PROVED_OBJECTS="" READER_REFUSED=""

# $1 file. The repository's objects of this stanza: "path<TAB>size<TAB>time", sorted.
inventory() {
  local outcome reason
  if ! attended inside list "$LIST_IO_TIMEOUT_SECONDS" >"$WORK/list.json" 2>"$WORK/err" ||
    ! jq -r --arg stanza "$STANZA" 'to_entries[] | select(.value.type == "file")
      | select(.key | startswith("archive/\($stanza)/") or startswith("backup/\($stanza)/"))
      | [.key, .value.size, .value.time] | @tsv' "$WORK/list.json" 2>>"$WORK/err" | LC_ALL=C sort >"$1"; then
    read -r outcome reason <<<"$(classify_pgbackrest info "$(cat "$WORK/err")")"
    verdict "$outcome" "$reason" "repo$REPO cannot be listed: $(headline "$(cat "$WORK/err")")"
  fi
}

take_inventory() {
  inventory "$WORK/before"
  INVENTORY="$(grep -c . "$WORK/before")" || INVENTORY=0
  step_end "$INVENTORY objects"
}

# An object that is gone or has changed. Pure.
# $1 its path, $2 gone | changed, $3 labels of backups listed before and $4 after (blanks around each), $5 first WAL
# segment of the newest backup. Prints "damage", or "busy": a backup or an expiry of the formation does that.
classify_change() {
  local path="${1#*/"$STANZA"/}" kind="${1%%/*}" label segment
  case "$kind:$2:$path" in
    *:changed:backup.info | *:changed:backup.info.copy | *:changed:archive.info | *:changed:archive.info.copy) echo busy ;;
    backup:*:backup.history/*) echo busy ;;
    backup:*:*/*)
      label="${path%%/*}"
      # In neither list: a backup that was not finished. Only in the first: expired.
      if [[ $3 == *" $label "* && $4 == *" $label "* ]]; then echo damage; else echo busy; fi ;;
    archive:gone:*)
      segment="${path##*/}"
      # The newest backup needs all WAL from its start on; expiry never takes any of it.
      if [[ ${segment:0:24} =~ ^[0-9A-F]{24}$ && ! ${segment:8:16} < "${5:8:16}" ]]; then echo damage; else echo busy; fi ;;
    *) echo damage ;;
  esac
}

labels_of() { jq -r --argjson repo "$REPO" '[.[0].backup[] | select(.database."repo-key" == $repo) | .label] | " \(join(" ")) "' "$1"; }

# Lines "gone PATH" and "changed PATH".
differences() {
  local LC_ALL=C
  comm -23 "$WORK/before" "$WORK/after" | cut -f1 | sort >"$WORK/touched"
  cut -f1 "$WORK/after" | sort >"$WORK/there"
  comm -23 "$WORK/touched" "$WORK/there" | sed 's/^/gone /'
  comm -12 "$WORK/touched" "$WORK/there" | sed 's/^/changed /'
}

# After everything else, so that a backup that does not restore is called that.
prove_unchanged() {
  local path what class damaged="" busy="" before after newest
  inventory "$WORK/after"
  [ -z "${READ_ONLY:-}" ] || prove_refused
  if ! attended inside info "$CHECK_IO_TIMEOUT_SECONDS" 2>"$WORK/err" | LC_ALL=C tr -cd '[:print:]\n' >"$WORK/info.after" ||
    ! after="$(labels_of "$WORK/info.after" 2>/dev/null)"; then
    later_verdict unverified store_unreachable "repo$REPO gives no list of backups any more"
    return 0
  fi
  before="$(labels_of "$WORK/info")"
  newest="$(jq -r --argjson repo "$REPO" '[.[0].backup[] | select(.database."repo-key" == $repo)] | max_by(.timestamp.stop) | .archive.start' "$WORK/info")"
  while read -r what path; do
    class="$(classify_change "$path" "$what" "$before" "$after" "$newest")"
    if [ "$class" = damage ]; then damaged="${damaged:-$path is $what}"; else busy="${busy:-$path is $what}"; fi
  done < <(differences)
  [ -z "$damaged" ] || verdict fail repository_changed "while the drill ran, $damaged: no backup or expiry of the formation does that"
  no_archiving
  if [ -z "$busy" ]; then
    PROVED_OBJECTS="$INVENTORY"
    step_end "all $INVENTORY objects are as they were${READER_REFUSED:+; the key may neither write nor delete}"
  elif [ "$READER_REFUSED" = 1 ]; then
    step_end "the key may neither write nor delete; meanwhile the formation's backup or expiry went on ($busy)"
  else
    later_verdict unverified repository_busy "a backup or an expiry went on meanwhile ($busy): what the drill itself did cannot be told apart"
  fi
}

# WAL on the copy's own timeline is either from the copy, or from a failover of the formation in this very minute.
no_archiving() {
  local rc=0
  [ -n "$COPY_TIMELINE" ] || return 0
  LC_ALL=C comm -13 <(cut -f1 "$WORK/before" | LC_ALL=C sort) "$WORK/there" |
    grep -E "/$COPY_TIMELINE([0-9A-F]{16}|\.history)" >"$WORK/timeline" || return 0
  attended inside own-history "$COPY_TIMELINE" >"$WORK/own" 2>&1 || rc=$?
  case "$rc" in
    0) verdict fail copy_archived "the copy's own timeline is in the repository: $(head -n 1 "$WORK/timeline")" ;;
    1) ;;
    *) later_verdict unverified check_failed "whose is $(head -n 1 "$WORK/timeline")? $(headline "$(cat "$WORK/own")")" ;;
  esac
}

# $1 what was asked (PUT | DELETE), $2 HTTP status, $3 code of the store's error. Pure. A key that is unknown, or a
# signature that is wrong, is refused as well: that says nothing about what the key may do.
classify_request() {
  case "$2:$3" in
    2??:*) echo "fail reader_can_write" ;;
    40[13]:AccessDenied | 40[13]:AllAccessDisabled | 40[13]:UnauthorizedAccess | 40[13]:Unauthorized) echo refused ;;
    *) echo "unverified reader_unproven" ;;
  esac
}

# A reader's key is tried on a name that nothing has, and nobody will ever use.
prove_refused() {
  local name method answer status code meaning outcome reason
  name="restorable-drill-probe/$(cat /proc/sys/kernel/random/uuid)"
  # The same signature on a request that is allowed: without it a refusal could be anything's.
  answer="$(attended inside_request GET "backup/$STANZA/backup.info")"
  read -r status code <<<"$answer"
  if [ "$status" != 200 ]; then
    later_verdict unverified reader_unproven "reading backup.info without pgBackRest gives HTTP $status ${code:-}"
    return 0
  fi
  for method in DELETE PUT; do
    read -r status code <<<"$(attended inside_request "$method" "$name")"
    meaning="$(classify_request "$method" "$status" "$code")"
    [ "$meaning" != refused ] || continue
    [ "$method" != PUT ] || [ "${status:0:1}" != 2 ] || attended inside_request DELETE "$name" >/dev/null
    read -r outcome reason <<<"$meaning"
    [ "$outcome" = unverified ] ||
      verdict "$outcome" "$reason" "the drill's key must only read, but the store took its $method (HTTP $status, $name)"
    later_verdict "$outcome" "$reason" "$method of $name: HTTP $status ${code:-}, neither taken nor denied"
    return 0
  done
  READER_REFUSED=1
}
