# Brings up the S3 server over TLS with a bucket and a user that can reach only this bucket, and perhaps one that may
# only read it. Where versions are kept, deleting hides: no user may destroy a version.
# The administrator's key is made here, stays here, and no client gets it.
# Settings: ADDRESS PORT BUCKET REGION CA CERTIFICATE VERSIONS UNITS. Secrets: KEY KEY_SECRET [READER_KEY READER_KEY_SECRET]
home=/var/lib/object-store
install -d -m 0755 "$home"
install -d -m 0700 "$home/data" "$home/iam"
[ "$VERSIONS" = 0 ] || install -d -m 0700 "$home/versions"
reader=${READER_KEY:-}
install_certificates
umask 077
if [ ! -s "$home/admin.env" ]; then
  printf 'ADMIN_KEY=admin%s\nADMIN_SECRET=%s\n' "$(openssl rand -hex 8)" "$(openssl rand -hex 24)" >"$home/admin.env.new"
  mv "$home/admin.env.new" "$home/admin.env"
fi
# shellcheck source=/dev/null
. "$home/admin.env"
# account KEY SECRET ROLE
account() { printf '"%s":{"access":"%s","secret":"%s","role":"%s","userID":0,"groupID":0,"projectID":0}' "$1" "$1" "$2" "$3"; }
install_file "$home/iam/users.json" 0600 root \
  <<<"{\"accessAccounts\":{$(account "$ADMIN_KEY" "$ADMIN_SECRET" admin),$(account "$KEY" "$KEY_SECRET" user)${reader:+,$(account "$reader" "$READER_KEY_SECRET" user)}}}"
umask 022

listener=$(ss -Hltnp "sport = :$PORT" 2>/dev/null || true)
if [ -n "$listener" ] && ! printf '%s' "$listener" | grep -q versitygw; then
  fail "port $PORT is taken in this container: $listener"
fi
install_units "$UNITS"
if [ "$CHANGED" = 1 ]; then systemctl restart versitygw.service; else systemctl start versitygw.service; fi

endpoint=https://$ADDRESS:$PORT
# s3 METHOD PATH [BODY]: signed with the administrator's key. curl reads it from its standard input, and the body too,
# which names the client's key. The payload is left to TLS: curl before 8 does not name its hash, and S3 wants the header.
s3() {
  printf 'user = "%s:%s"\n%s\n' "$ADMIN_KEY" "$ADMIN_SECRET" "${3:+data-binary = \"${3//\"/\\\"}\"}" |
    curl -sS --fail-with-body --cacert /etc/restorable/tls/ca.crt --aws-sigv4 "aws:amz:$REGION:s3" -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" -K - -X "$1" "$endpoint$2"
}
wait_for 30 "the S3 server does not answer at $endpoint (journalctl -u versitygw)" s3 GET /
if ! s3 HEAD "/$BUCKET" -I >/dev/null 2>&1 && ! s3 GET "/$BUCKET?location=" >/dev/null 2>&1; then
  s3 PUT "/$BUCKET" >/dev/null || fail "bucket $BUCKET cannot be made"
  say "bucket $BUCKET made"
fi
if [ "$VERSIONS" = 1 ]; then
  s3 PUT "/$BUCKET?versioning=" '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>' >/dev/null ||
    fail "versions cannot be kept in bucket $BUCKET"
fi
# statement USER RESOURCE ACTION...
statement() {
  local user=$1 resource=$2
  shift 2
  printf '{"Effect":"Allow","Principal":{"AWS":["%s"]},"Action":[%s],"Resource":"arn:aws:s3:::%s"}' "$user" "$(printf ',"s3:%s"' "$@" | cut -c2-)" "$resource"
}
list=(ListBucket GetBucketLocation)
get=(GetObject)
if [ "$VERSIONS" = 1 ]; then list+=(ListBucketVersions) get+=(GetObjectVersion); fi
statements=$(statement "$KEY" "$BUCKET" "${list[@]}" ListBucketMultipartUploads),$(
  statement "$KEY" "$BUCKET/*" "${get[@]}" PutObject DeleteObject AbortMultipartUpload ListMultipartUploadParts
)
[ -z "$reader" ] || statements+=,$(statement "$reader" "$BUCKET" "${list[@]}"),$(statement "$reader" "$BUCKET/*" "${get[@]}")
s3 PUT "/$BUCKET?policy=" '{"Version":"2012-10-17","Statement":['"$statements"']}' >/dev/null || fail "the policy of bucket $BUCKET cannot be set"
