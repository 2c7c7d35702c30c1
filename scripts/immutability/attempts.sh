# shellcheck shell=bash disable=SC2153 # put sets VERSION
# What an attacker with the writer key would try. Each attempt is such that nothing good is lost if it succeeds.

BYPASS="x-amz-bypass-governance-retention: true"

# destroy KEY VERSION SHA256 WHAT: four ways to destroy a version for good. What counts is whether it is there afterwards.
destroy() {
  local key="$1" version="$2" sum="$3" what="$4" way header said
  printf '<Delete><Object><Key>%s</Key><VersionId>%s</VersionId></Object></Delete>' "$key" "$version" >"$WORK/delete"
  for way in single many; do
    for header in "" "$BYPASS"; do
      if [ "$way" = single ]; then
        s3 DELETE "$key" "versionId=$version" "" ${header:+"$header"}
      else
        s3 POST "" "delete=" "$WORK/delete" ${header:+"$header"}
      fi
      said="$(answered)"
      if has "$key" "$version" "$sum"; then
        say ok "destroy $what ($way${header:+, bypass})" "$said; it is still there"
      else
        found version_destroyed "destroy $what ($way${header:+, bypass})" "$said; the version is GONE"
        return
      fi
    done
  done
}

# The object of our own, under a name that stays the same: old versions pile up until the lifecycle takes them.
probe_object() {
  local key="$FOLDER/probe" first second first_sum second_sum
  printf 'first %s\n' "$(date -u +%FT%TZ) $RANDOM" >"$WORK/first"
  printf 'second %s\n' "$(date -u +%FT%TZ) $RANDOM" >"$WORK/second"
  first_sum="$(sum_of "$WORK/first")" second_sum="$(sum_of "$WORK/second")"
  s3 GET "" "versioning="
  if ok && ! grep -q '<Status>Enabled</Status>' "$WORK/body"; then
    found versioning_off "versioning" "off: an overwritten or deleted file is gone"
    return
  fi
  put "$key" "$WORK/first"
  first="$VERSION"
  put "$key" "$WORK/second"
  second="$VERSION"
  if [ -z "$first" ] || [ "$first" = null ] || [ "$first" = "$second" ]; then
    found versioning_off "versioning" "the store gives no version of its own to each write"
    return
  fi
  if has "$key" "$first" "$first_sum"; then
    say ok "overwrite an object" "the old version is still there"
  else
    found overwrite_lost "overwrite an object" "the old version is GONE"
    return
  fi
  s3 DELETE "$key"
  local said
  said="$(answered)"
  if has "$key" "$second" "$second_sum"; then
    say ok "delete an object by name" "$said; only hidden"
  else
    found delete_destroyed "delete an object by name" "$said; the object is GONE"
    return
  fi
  destroy "$key" "$first" "$first_sum" "a version"
  [ "${#FINDINGS[@]}" = 0 ] || return 0
  change_retention "$key" "$first"
}

# change_retention KEY VERSION. A day of governance: shorter than any retention worth its name, harmless where there is none.
change_retention() {
  local header ns='xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
  s3 GET "$1" "versionId=$2"
  local until mode
  until="$(head_field x-amz-object-lock-retain-until-date)" mode="$(head_field x-amz-object-lock-mode)"
  printf '<Retention %s><Mode>GOVERNANCE</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>' "$ns" \
    "$(date -u -d '1 day' +%FT%TZ)" >"$WORK/retention"
  for header in "" "$BYPASS"; do
    s3 PUT "$1" "retention=&versionId=$2" "$WORK/retention" ${header:+"$header"}
    if ok; then found retention_changeable "change retention of a version${header:+ (bypass)}" "$(answered): accepted"
    else say ok "change retention of a version${header:+ (bypass)}" "$(answered)"; fi
  done
  printf '<LegalHold %s><Status>OFF</Status></LegalHold>' "$ns" >"$WORK/hold"
  s3 PUT "$1" "legal-hold=&versionId=$2" "$WORK/hold"
  if ok; then found retention_changeable "lift a legal hold" "$(answered): accepted"
  else say ok "lift a legal hold" "$(answered)"; fi
  if [ -n "$until" ]; then
    say ok object_lock "$mode until $until on the probe's own version"
  else
    lacks object_lock "no retention seen on the probe's own version: what protects is that the key lacks the right"
  fi
}

# Settings of the bucket. What can be read is written back as it is; otherwise a body that no store accepts tells by the
# answer whether the right is there, without changing anything. It is XML where XML is due: some stores answer 500 to
# what is none.
probe_bucket() {
  [[ " ${FINDINGS[*]-} " != *" versioning_off "* ]] || return 0
  printf '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' >"$WORK/same"
  s3 PUT "" "versioning=" "$WORK/same"
  refused versioning "change versioning" n
  change lifecycle lifecycle "<LifecycleConfiguration><Rule><Status>Neither</Status></Rule></LifecycleConfiguration>"
  change policy policy "not a policy"
  change object-lock lock "<ObjectLockConfiguration><ObjectLockEnabled>Neither</ObjectLockEnabled></ObjectLockConfiguration>"
}

# change SUBRESOURCE NAME MALFORMED BODY
change() {
  local malformed=y
  printf %s "$3" >"$WORK/same"
  s3 GET "" "$1="
  if [ "$1" = lifecycle ]; then
    case "$HTTP" in
      501) lacks lifecycle "not in this store: hidden versions stay for ever" ;;
      404) lacks lifecycle "none: hidden versions stay for ever" ;;
    esac
  fi
  if ok; then
    cp "$WORK/body" "$WORK/same"
    malformed=n
  fi
  s3 PUT "" "$1=" "$WORK/same"
  refused "$2" "change the ${1/-/ }$([ "$1" != object-lock ] || echo " of the bucket")" "$malformed"
}

# refused REASON WHAT MALFORMED: judges the last answer to a change of the bucket.
refused() {
  local said
  said="$(answered)"
  case "$HTTP" in
    2??) found "${1}_changeable" "$2" "$said: accepted" ;;
    501 | 405) say ok "$2" "$said: not in this store" ;;
    401 | 403) say ok "$2" "$said" ;;
    400 | 404 | 409)
      if [ "$3" = y ]; then
        found "${1}_changeable" "$2" "$said: only the form was refused, the right is there"
      else
        verdict unverified answer_unclear "$2: $said"
      fi
      ;;
    *) verdict unverified answer_unclear "$2: $said" ;;
  esac
}

# The key still works: what was refused was refused on its merits.
still_allowed() {
  printf 'last\n' >"$WORK/first"
  put "$FOLDER/probe" "$WORK/first"
  # Hidden again, so that no tool counts it.
  s3 DELETE "$FOLDER/probe"
}
