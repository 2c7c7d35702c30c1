#!/usr/bin/env bash
# One request to the drilled repository's store with the drill's own key, inside the drill's container, as postgres.
# pgBackRest's repo-rm asks first whether the object is there and then sends no DELETE: it cannot show a refusal.
# usage: request.sh GET|PUT|DELETE PATH      prints "<HTTP status, 000 for none> <code of the store's error>"
set -euo pipefail

: "${DRILL_REPO:?}"
run_dir=/run/restorable-drill
content='probe of the restore drill'

conf() { sed -n "s/^repo$DRILL_REPO-$1=//p" /etc/pgbackrest/pgbackrest.conf /etc/pgbackrest/conf.d/secrets.conf | head -n 1; }

quoted() {
  local text="${1//\\/\\\\}"
  printf '"%s"' "${text//\"/\\\"}"
}

# curl's configuration goes through stdin: the key is in no argument.
configuration() {
  local authority path ca payload=''
  authority="$(conf s3-endpoint):$(conf storage-port)" path="$(conf path)" ca="$(conf storage-ca-file)"
  case "$(conf s3-uri-style)" in
    path) path="/$(conf s3-bucket)$path" ;;
    *) authority="$(conf s3-bucket).$authority" ;;
  esac
  printf 'url = %s\n' "$(quoted "https://$authority$path/$2")"
  printf 'user = %s\n' "$(quoted "$(conf s3-key):$(conf s3-key-secret)")"
  printf 'aws-sigv4 = %s\n' "$(quoted "aws:amz:$(conf s3-region):s3")"
  [ -z "$ca" ] || printf 'cacert = %s\n' "$(quoted "$ca")"
  if [ "$1" = PUT ]; then
    payload="$content"
    printf 'data-raw = %s\nheader = "content-type: text/plain"\n' "$(quoted "$payload")"
  fi
  # curl before 8 signs S3 requests only with this header given.
  printf 'header = "x-amz-content-sha256: %s"\n' "$(printf %s "$payload" | sha256sum | cut -d' ' -f1)"
  printf 'request = "%s"\noutput = "%s"\nsilent\nconnect-timeout = 15\nmax-time = 60\nwrite-out = "%%{http_code}"\n' "$1" "$body"
}

body="$(mktemp "$run_dir/answer.XXXXXX")"
trap 'rm -f "$body"' EXIT
status="$(configuration "$1" "$2" | curl -q -K -)" || true
printf '%s %s\n' "${status:-000}" "$(sed -n 's/.*<Code>\([A-Za-z]*\)<\/Code>.*/\1/p' "$body" | head -n 1)"
