# shellcheck shell=bash
# The off-site bucket's exports: their names, what is there, and what counts as complete. For data nodes, drill and
# restore alike. An export of a database is three objects in its folder:
#   <time>.dump.age         the dump, encrypted; time as 20260131T140500Z
#   <time>.counts.age       rows of each table in the dump's own snapshot, encrypted
#   <time>.dump.age.sha256  size and checksums of both; written last, once both were read back: without it the others
#                           are no export
# Needs EXPORTS_ROOT (REMOTE:BUCKET/PREFIX) and RCLONE_FILE (its configuration, with the key).

# Roles and tablespaces of the whole cluster are kept like a database of this name, which none can have: see folder_of.
# shellcheck disable=SC2034 # for those that source this
GLOBALS=@globals

# Sets STORE: rclone with its key in a file only. It waits neither for ever nor through an outage of minutes.
store_words() {
  STORE=(
    # Variables of the SDK would win over the configuration.
    env -u AWS_CA_BUNDLE -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN
    # Newer SDKs send checksums that not every store takes.
    AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_RESPONSE_CHECKSUM_VALIDATION=when_required
    rclone --config "$RCLONE_FILE" --contimeout "${STORE_CONNECT_SECONDS:-10}s" --timeout "${STORE_TIMEOUT_SECONDS:-60}s"
    --retries "${STORE_RETRIES:-2}" --retries-sleep 2s --low-level-retries "${STORE_RETRIES:-2}" --log-level ERROR
  )
  [ -z "${STORE_CA:-}" ] || STORE+=(--ca-cert "$STORE_CA")
}

# store WORDS...
store() {
  local STORE=()
  store_words
  "${STORE[@]}" "$@"
}

# folder_of DATABASE: its folder's name. A database may be called anything; what is not plain is written as %XX.
folder_of() {
  local name=$1 out='' i char
  [ "$name" != "$GLOBALS" ] || { printf %s "$name"; return; }
  local LC_ALL=C
  for ((i = 0; i < ${#name}; i++)); do
    char=${name:i:1}
    case $char in
      [A-Za-z0-9_.-]) out+=$char ;;
      *)
        # Bytes above 127 come out negative.
        printf -v char %d "'$char"
        printf -v char '%%%02X' $((char & 255))
        out+=$char
        ;;
    esac
  done
  # Names of one or two dots mean something else to a store.
  if [[ $out =~ ^\.+$ ]]; then out=${out//./%2E}; fi
  printf %s "$out"
}

# database_of FOLDER
database_of() {
  local LC_ALL=C escaped=${1//\\/\\\\}
  printf '%b' "${escaped//%/\\x}"
}

# is_stamp TEXT
is_stamp() { [[ $1 =~ ^[0-9]{8}T[0-9]{6}Z$ ]]; }

# stamp_seconds STAMP: seconds since 1970.
stamp_seconds() {
  date -u -d "${1:0:4}-${1:4:2}-${1:6:2} ${1:9:2}:${1:11:2}:${1:13:2} UTC" +%s
}

# all_exports [FOLDER]: lines `FOLDER STAMP BYTES complete|incomplete`, oldest first; BYTES of the dump. Fails when the
# store does not answer; no folder at all is no failure.
all_exports() {
  local listing
  listing=$(store lsf --files-only -R --format sp --separator ' ' "$EXPORTS_ROOT${1:+/$1}" 2>&1) || {
    # A store knows no empty folder: it says the same as of one that never was.
    [[ $listing == *"directory not found"* && $listing != *NoSuchBucket* ]] || { printf '%s\n' "$listing" >&2; return 1; }
    return 0
  }
  awk -v folder="${1:-}" '
    {
      size = $1; path = $2
      if (folder != "") path = folder "/" path
      if (split(path, part, "/") != 2) next
      name = part[2]; stamp = name; sub(/[.].*/, "", stamp)
      if (stamp !~ /^[0-9]+T[0-9]+Z$/ || length(stamp) != 16) next
      key = part[1] " " stamp
      if (name == stamp ".dump.age") bytes[key] = size
      else if (name == stamp ".dump.age.sha256" && size > 0) sealed[key] = 1
      else if (name == stamp ".counts.age") counted[key] = 1
      else next
      known[key] = 1
    }
    END {
      for (key in known) {
        whole = (key in sealed) && (key in counted) && bytes[key] > 0
        print key, bytes[key] + 0, (whole ? "complete" : "incomplete")
      }
    }
  ' <<<"$listing" | LC_ALL=C sort
}

# seal_value SEAL KEY: a `# KEY VALUE` line of a .sha256 file's text.
seal_value() { sed -n "s/^# $2 \([0-9][0-9]*\)$/\1/p" <<<"$1" | head -n 1; }

# seal_sum SEAL NAME: the checksum of an object, by its name without folder.
seal_sum() { awk -v name="$2" '$2 == name && length($1) == 64 && $1 !~ /[^0-9a-f]/ { print $1; exit }' <<<"$1"; }
