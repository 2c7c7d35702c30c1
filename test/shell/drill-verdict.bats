#!/usr/bin/env bats
bats_require_minimum_version 1.5.0
# What outputs of pgBackRest 2.55.1 and Postgres 17 mean. Recorded, but for what was not to be had: 503, clock skew,
# CryptoError on an info file, a damaged page.

load drill_helper

setup() {
  drill_setup
  # shellcheck source=/dev/null
  . "$PARTS/verdict.sh"
}

# $1 expected, $2 phase, $3 text
means() {
  local got
  got="$(classify_pgbackrest "$2" "$3")"
  [ "$got" = "$1" ] || { echo "got '$got', expected '$1' for: $3"; return 1; }
}

@test "the store does not answer: unverified" {
  means "unverified store_unreachable" info "[HostConnectError] unable to connect to '10.0.0.2:9000': [111] Connection refused"
  means "unverified store_unreachable" info "[HostConnectError] unable to connect to '10.0.0.2:9000': [113] No route to host"
  means "unverified store_unreachable" info "[HostConnectError] unable to get address for 'store.example': [-2] Name or service not known"
  means "unverified store_unreachable" restore "P00  ERROR: [049]: raised from local-2 protocol: unable to connect to '10.0.0.2:9000': [111] Connection refused
    [HostConnectError] on 7 retries"
  means "unverified store_unreachable" info "[ProtocolError] HTTP request failed with 503 (Service Unavailable):"
}

@test "TLS trouble has the class of a wrong passphrase and is told apart" {
  means "unverified store_tls" info "[CryptoError] unable to find hostname '10.0.0.2' in certificate common name or subject alternative names"
  means "unverified store_tls" info "[CryptoError] unable to verify certificate presented by '10.0.0.2:9000': [20] unable to get local issuer certificate"
}

@test "a wrong passphrase" {
  means "fail wrong_cipher" info "[FormatError] unable to load info file '/p/backup/main/backup.info' or '/p/backup/main/backup.info.copy':
FormatError: key/value found outside of section at line 1: xx"
  means "fail wrong_cipher" info "[CryptoError] unable to load info file '/p/backup/main/backup.info' or '/p/backup/main/backup.info.copy':
CryptoError: unable to flush"
}

@test "a refused key is a failure: the production credential is part of the drill" {
  means "fail access_denied" info "[ProtocolError] HTTP request failed with 403 (Forbidden):
<Error><Code>SignatureDoesNotMatch</Code>"
  means "unverified clock_skew" info "[ProtocolError] HTTP request failed with 403 (Forbidden):
<Error><Code>RequestTimeTooSkewed</Code>"
}

@test "the store answers and holds no backup" {
  means "fail no_backup" info "[ProtocolError] HTTP request failed with 404 (Not Found):
<Error><Code>NoSuchBucket</Code>"
  means "fail no_backup" restore "WARN: repo1: [FileMissingError] unable to load info file '/p/backup/main/backup.info'
    FileMissingError: unable to open missing file '/p/backup/main/backup.info' for read
ERROR: [075]: no backup set found to restore"
}

@test "a damaged or missing file of the backup" {
  means "fail corrupted_backup" restore "ERROR: [095]: raised from local-1 protocol: unable to flush
    [CryptoError] on 2 retries from 2637-18101ms: unable to flush"
  means "fail corrupted_backup" restore "ERROR: [055]: raised from local-2 protocol: unable to open missing file '/p/backup/main/20261121-143200F/bundle/1' for read"
  means "fail corrupted_backup" restore "ERROR: [095]: unable to load backup manifest file '/p/backup.manifest' or '/p/backup.manifest.copy':
    CryptoError: unable to flush"
  means "fail corrupted_backup" wal "ERROR: [042]: unable to get 00000001000000000000000D:
    repo1: 17-1/x.zst [CryptoError] unable to flush"
}

@test "what is not known is never a pass and never a false alarm" {
  means "unverified check_failed" info "[ProtocolError] HTTP request failed with 400 (Bad Request):"
  means "fail restore_failed" restore "ERROR: [000]: something new"
}

@test "a copy that does not recover, by its log" {
  [ "$(classify_recovery 'FATAL:  WAL ends before end of online backup')" = "fail wal_missing" ]
  [ "$(classify_recovery 'FATAL:  could not locate required checkpoint record at 0/8000080')" = "fail wal_missing" ]
  [ "$(classify_recovery 'x [HostConnectError] y FATAL:  could not locate required checkpoint record')" = "unverified store_unreachable" ]
  [ "$(classify_recovery 'FATAL:  recovery ended before configured recovery target was reached' y)" = "fail target_not_reached" ]
  [ "$(classify_recovery 'PANIC: anything')" = "fail recovery_failed" ]
}

@test "smoke query errors" {
  [ "$(classify_smoke 'psql:<stdin>:1: ERROR:  42P01: relation "users" does not exist')" = "fail missing_table" ]
  [ "$(classify_smoke 'psql: error: FATAL:  database "app" does not exist')" = "fail missing_database" ]
  [ "$(classify_smoke 'ERROR:  XX001: invalid page in block 3')" = "fail smoke_failed" ]
}

@test "an S3 error's body, which names the key id, is not printed" {
  [ "$(headline $'[ProtocolError] HTTP request failed with 403 (Forbidden):\n<AWSAccessKeyId>KEYID</AWSAccessKeyId>')" = "[ProtocolError] HTTP request failed with 403 (Forbidden):" ]
}

@test "segment arithmetic, with 16 MB and 64 MB segments" {
  [ "$(segment_number 00000001000000010000000A 16777216)" = 266 ]
  [ "$(segment_name 1 266 16777216)" = 00000001000000010000000A ]
  [ "$(segment_name 2 "$(segment_number 000000020000000300000011 67108864)" 67108864)" = 000000020000000300000011 ]
  [ "$(lsn_bytes 1/A000028)" = $((0x10A000028)) ]
}

@test "does the restored end reach the newest archived segment?" {
  local size=16777216 one two
  one=$'1\t0/17000000\tno recovery target specified'
  two=$'1\t0/1B0000A0\tno recovery target specified\n2\t0/1E000000\tno recovery target specified'
  # A switched segment ends at the next one's start, a full one within itself.
  end_reaches 000000010000000000000016 0/17000000 "$one" $size
  end_reaches 000000010000000000000016 0/16FFFF20 "$one" $size
  run ! end_reaches 000000010000000000000016 0/16000000 "$one" $size
  run ! end_reaches 000000010000000000000018 0/17000000 "$one" $size
  # After a failover: on the new timeline, with none of its segments yet, with a gap before it.
  end_reaches 00000002000000000000001D 0/1E000000 "$two" $size
  end_reaches 00000001000000000000001A 0/1B000000 $'1\t0/1B0000A0\tx\n2\t0/1B000000\tx' $size
  run ! end_reaches 00000002000000000000001D 0/15000000 $'1\t0/1B0000A0\tx\n2\t0/15000000\tx' $size
  # The new timeline's history file is missing: recovery stays on the old one.
  run ! end_reaches 00000002000000000000001D 0/1B000000 $'1\t0/1B000000\tx' $size
  # What an isolated old primary archived behind the switch does not count.
  end_reaches 00000001000000000000001C 0/1B0000A0 $'1\t0/1B0000A0\tx\n2\t0/1B0000A0\tx' $size
}
