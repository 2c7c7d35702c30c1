# shellcheck shell=bash disable=SC2034
# Where the repository is and with which key, from the files that pgBackRest itself reads.

load_config() {
  [ -r "$CONFIG" ] || fatal "$CONFIG cannot be read (on a data node, run it as postgres)"
  CONF_FILES="/etc/pgbackrest/pgbackrest.conf /etc/pgbackrest/conf.d/secrets.conf" REPOSITORY=""
  # shellcheck source=/dev/null
  . "$CONFIG" || fatal "$CONFIG is not valid shell"
  [[ "${STANZA:-}" =~ ^[A-Za-z0-9_-]+$ ]] || fatal "STANZA in $CONFIG: letters, digits, - and _ only"
  [ -n "${METRICS_DIRECTORY:-}" ] || fatal "METRICS_DIRECTORY is not set in $CONFIG"
  REPO="${ONLY_REPO:-$REPOSITORY}"
  [[ "$REPO" =~ ^[1-9][0-9]*$ ]] || fatal "repository \"$REPO\" is not a number from 1"
  export LC_ALL=C
}

# option NAME [DEFAULT]: repo<N>-NAME of pgBackRest's configuration.
option() {
  local value
  # shellcheck disable=SC2086 # a list of files
  value="$(sed -n "s/^[[:space:]]*repo$REPO-$1[[:space:]]*=[[:space:]]*//p" $CONF_FILES 2>/dev/null | tail -n 1)"
  printf %s "${value:-${2:-}}"
}

# Sets the address of the bucket and the credentials. They go to curl on its standard input only.
read_repository() {
  local tool endpoint port bucket style file name value
  for tool in curl openssl sha256sum; do
    command -v "$tool" >/dev/null || verdict unverified tool_missing "$tool is not installed"
  done
  for file in $CONF_FILES; do
    [ -r "$file" ] || verdict unverified config_invalid "$file cannot be read: run it as postgres"
  done
  [ "$(option type)" = s3 ] || verdict unverified config_invalid "repository $REPO is not an S3 repository of pgBackRest's configuration"
  endpoint="$(option s3-endpoint)" port="$(option storage-port 443)" bucket="$(option s3-bucket)"
  style="$(option s3-uri-style host)" REGION="$(option s3-region)" CA="$(option storage-ca-file)"
  KEY="$(option s3-key)" KEY_SECRET="$(option s3-key-secret)" TOKEN="$(option s3-token)"
  PREFIX="$(option path /var/lib/pgbackrest)"
  PREFIX="${PREFIX#/}"
  PREFIX="${PREFIX%/}${PREFIX:+/}"
  endpoint="${endpoint#https://}"
  for name in "$endpoint" "$bucket" "$REGION" "$KEY" "$KEY_SECRET"; do
    [ -n "$name" ] || verdict unverified config_invalid "endpoint, bucket, region or key of repository $REPO are not in $CONF_FILES"
  done
  # Names go into signed addresses as they are.
  [[ "$PREFIX$bucket" =~ ^[A-Za-z0-9/._-]+$ ]] || verdict unverified config_invalid "bucket or path of repository $REPO has characters that this probe does not encode"
  [ "$port" = 443 ] || endpoint+=":$port"
  if [ "$style" = path ]; then URL="https://$endpoint/$bucket"; else URL="https://$bucket.$endpoint"; fi
  PLACE="bucket $bucket at $endpoint"
  FOLDER="${PREFIX}immutability-probe"
  {
    for name in user header; do
      if [ "$name" = user ]; then value="$KEY:$KEY_SECRET"; else value="${TOKEN:+x-amz-security-token: $TOKEN}"; fi
      value="${value//\\/\\\\}"
      [ -z "$value" ] || printf '%s = "%s"\n' "$name" "${value//\"/\\\"}"
    done
  } >"$WORK/curlrc"
}
