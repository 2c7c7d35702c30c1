# shellcheck shell=bash
# What a text of pgBackRest or Postgres means. Pure: text in, "<outcome> <reason>" out.

# A repository that cannot be reached proves nothing; one that answers wrongly has failed.
# $1 phase: info | restore | wal; $2 text. Prints "<fail|unverified> <reason>".
classify_pgbackrest() {
  local phase="$1" text="$2"
  case "$text" in
    # Certificates first: TLS trouble has the class CryptoError, like a wrong passphrase.
    *certificate*) echo "unverified store_tls" ;;
    *RequestTimeTooSkewed*) echo "unverified clock_skew" ;;
    *"(Forbidden)"* | *AccessDenied* | *InvalidAccessKeyId* | *SignatureDoesNotMatch*) echo "fail access_denied" ;;
    *HostConnectError* | *"unable to get address"* | *ServiceError* | *"timeout connecting"* | \
      *"TLS error"* | *"unexpected eof"* | *"timeout waiting for read"* | *"failed with 50"* | *"failed with 429"*)
      echo "unverified store_unreachable" ;;
    *NoSuchBucket*) echo "fail no_backup" ;;
    *"No space left on device"*) echo "unverified disk_too_small" ;;
    *) classify_content "$phase" "$text" ;;
  esac
}

# The store answered and let us read: what it gave is the question.
classify_content() {
  local phase="$1" text="$2"
  case "$phase:$text" in
    *"unable to load info file"*FormatError* | *"unable to load info file"*CryptoError* | \
      *"unable to load info file"*ChecksumError*)
      echo "fail wrong_cipher" ;;
    *"unable to load info file"*FileMissingError*) echo "fail no_backup" ;;
    *"no backup set found"*) echo "fail no_backup" ;;
    restore:*CryptoError* | restore:*ChecksumError* | restore:*FileMissingError* | restore:*FormatError* | \
      restore:*"unable to flush"* | restore:*"unable to open missing file"* | restore:*checksum* | \
      restore:*"backup manifest file"* | restore:*"decompress"*)
      echo "fail corrupted_backup" ;;
    wal:*CryptoError* | wal:*ChecksumError* | wal:*FormatError* | wal:*"unable to flush"* | wal:*"decompress"*)
      echo "fail corrupted_backup" ;;
    restore:*) echo "fail restore_failed" ;;
    wal:*) echo "fail recovery_failed" ;;
    *) echo "unverified check_failed" ;;
  esac
}

# A server that did not come through recovery. $1 its log, $2 "y" for a run with a target time.
classify_recovery() {
  local log="$1" pitr="${2:-n}"
  case "$log" in
    *HostConnectError* | *ServiceError* | *"unable to get address"*) echo "unverified store_unreachable" ;;
    *"recovery ended before configured recovery target was reached"*)
      if [ "$pitr" = y ]; then echo "fail target_not_reached"; else echo "fail wal_missing"; fi ;;
    *"stop point is before consistent recovery point"*) echo "fail target_not_reached" ;;
    *"WAL ends before"* | *"could not locate a valid checkpoint record"* | \
      *"could not locate required checkpoint record"*) echo "fail wal_missing" ;;
    *"No space left on device"*) echo "unverified disk_too_small" ;;
    *) echo "fail recovery_failed" ;;
  esac
}

# An SQL error of the smoke query, by its SQLSTATE.
classify_smoke() {
  case "$1" in
    *"ERROR:  42P01:"*) echo "fail missing_table" ;;
    *database*"does not exist"*) echo "fail missing_database" ;;
    *) echo "fail smoke_failed" ;;
  esac
}

# One printable line of a text, for people: the first that says something, without an answer's body
# (an S3 error names the key id).
headline() {
  LC_ALL=C tr -cd '[:print:]\n' <<<"$1" | grep -m1 -E 'ERROR|FATAL|Error\]|[A-Za-z]' | sed -E 's/^psql:<stdin>:[0-9]+: //' | sed -E 's/^[0-9: .-]+(UTC|P[0-9]+) *(\[[0-9]+\])? *//' | cut -c1-220 || true
}

# Segment names: 8 hex timeline, 8 hex log, 8 hex segment.
segment_timeline() { echo $((16#${1:0:8})); }

# $1 segment name, $2 segment size in bytes -> number of the segment since the beginning of WAL.
segment_number() { echo $((16#${1:8:8} * (0x100000000 / $2) + 16#${1:16:8})); }

# $1 "X/Y" -> bytes
lsn_bytes() { echo $(((16#${1%/*} << 32) + 16#${1#*/})); }

# $1 timeline, $2 number, $3 segment size -> name
segment_name() {
  local per=$((0x100000000 / $3))
  printf '%08X%08X%08X\n' "$1" $(($2 / per)) $(($2 % per))
}

# Timeline on which recovery followed the WAL: the parent in the last line of the new timeline's history.
# $1 history text
history_parent() { awk 'NF { tli = $1 } END { print tli + 0 }' <<<"$1"; }

# $1 history text, $2 timeline -> LSN at which that timeline was left, or nothing.
history_switch() { awk -v t="$2" 'NF && $1 == t { print $2; exit }' <<<"$1"; }

# Does the restored end reach the newest archived segment?
# $1 newest archived segment, $2 end LSN, $3 history text, $4 segment size. Exit 0 reached, 1 not.
# Replay of a whole segment ends behind its start (in it, or at its end after a switch). A segment of an
# older timeline than the one that recovery followed counts up to the point where that one was left.
end_reaches() {
  local newest="$1" end="$2" history="$3" size="$4" parent tli wanted reached switch limit
  parent="$(history_parent "$history")"
  tli="$(segment_timeline "$newest")"
  [ "$tli" -le "$parent" ] || return 1
  wanted="$(segment_number "$newest" "$size")"
  if [ "$tli" -lt "$parent" ]; then
    switch="$(history_switch "$history" "$tli")"
    if [ -n "$switch" ]; then
      # The switched segment is only archived as .partial on the old timeline.
      limit=$(($(lsn_bytes "$switch") / size - 1))
      [ "$wanted" -le "$limit" ] || wanted="$limit"
    fi
  fi
  reached=$((($(lsn_bytes "$end") - 1) / size))
  [ "$reached" -ge "$wanted" ]
}
