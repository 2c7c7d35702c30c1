# shellcheck shell=bash disable=SC2034
# One signed request. curl 7.88 (Debian 12) signs a query as it stands: parameters sorted, each with its "=", and
# encoded by the caller. It does not name the payload's hash itself, which TLS makes unnecessary.

# s3 METHOD PATH [QUERY] [BODY FILE] [HEADER...]: sets HTTP and CODE (S3's own error code); headers in $WORK/head, the answer
# in $WORK/body. Ends the probe when the store does not answer, or does not know the key: neither is a refusal.
s3() {
  local method="$1" path="$2" query="${3:-}" body="${4:-}" rc=0 header
  local args=(-sS --retry 3 --retry-max-time 45 --connect-timeout 10 --max-time 60)
  shift $(($# < 4 ? $# : 4))
  [ -z "$CA" ] || args+=(--cacert "$CA")
  if [ -n "$body" ]; then
    args+=(--data-binary "@$body" -H "Content-Type: application/octet-stream" -H "Content-MD5: $(openssl md5 -binary "$body" | openssl base64)")
  fi
  for header in "$@"; do args+=(-H "$header"); done
  : >"$WORK/head"
  : >"$WORK/body"
  HTTP="$(curl "${args[@]}" --aws-sigv4 "aws:amz:$REGION:s3" -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" -K - -X "$method" \
    -D "$WORK/head" -o "$WORK/body" -w '%{http_code}' "$URL${path:+/$path}${query:+?$query}" <"$WORK/curlrc" 2>"$WORK/err")" || rc=$?
  [ "$rc" = 0 ] || verdict unverified store_unreachable "$PLACE: $(tail -n 1 "$WORK/err")"
  CODE="$(tr -d '\n' <"$WORK/body" | sed -n 's/.*<Code>\([A-Za-z0-9]*\)<\/Code>.*/\1/p')"
  case "$HTTP" in
    5?? | 429 | 408)
      [ "$HTTP" = 501 ] || verdict unverified store_unreachable "$PLACE answers $HTTP $CODE" ;;
  esac
  case "$CODE" in
    SignatureDoesNotMatch | InvalidAccessKeyId | InvalidToken | ExpiredToken | RequestTimeTooSkewed | RequestExpired | InvalidSecurity)
      verdict unverified key_refused "$PLACE does not know the key: $CODE" ;;
  esac
}

ok() { [[ "$HTTP" == 2?? ]]; }

# answered: the answer in words.
answered() { printf '%s%s' "$HTTP" "${CODE:+ $CODE}"; }

# head_field NAME: a header of the answer.
head_field() { tr -d '\r' <"$WORK/head" | sed -n "s/^$1: *//Ip" | tail -n 1; }

# encoded TEXT: for a query.
encoded() { printf %s "${1//\//%2F}"; }

sum_of() { sha256sum "$1" | cut -d' ' -f1; }
