# Signs a certificate request with the stack's authority on this host, and prints the certificate.
# The one that was issued stays as long as key, name and address are the same and it has 90 days left.
# Settings: NAME ADDRESS REQUEST
dir=$STATE_DIR/authority
[ -s "$dir/ca.key" ] || fail "no certificate authority in $dir on host $HOST_NAME"
umask 077
mkdir -p "$dir/issued"
request=$dir/issued/$NAME.csr certificate=$dir/issued/$NAME.crt
printf '%s\n' "$REQUEST" >"$request.new"
openssl req -in "$request.new" -verify -noout 2>/dev/null || fail "the certificate request of $NAME is not valid"
# The address also as a name: pgBackRest 2.45 does not look at IP entries.
extensions="subjectAltName=DNS:$NAME,DNS:$ADDRESS,IP:$ADDRESS
basicConstraints=CA:FALSE
keyUsage=digitalSignature,keyAgreement
extendedKeyUsage=serverAuth,clientAuth"
wanted=$( (openssl req -in "$request.new" -noout -pubkey; printf '%s\n' "$extensions"; cat "$dir/ca.crt") | sha256sum | cut -d' ' -f1)
if [ "$(cat "$certificate.for" 2>/dev/null)" != "$wanted" ] || ! openssl x509 -in "$certificate" -noout -checkend 7776000 >/dev/null 2>&1; then
  printf '%s\n' "$extensions" >"$request.ext"
  openssl x509 -req -in "$request.new" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -sha256 -days 825 -extfile "$request.ext" -out "$certificate.new" 2>/dev/null
  mv "$certificate.new" "$certificate"
  printf '%s\n' "$wanted" >"$certificate.for"
  say "certificate of $NAME issued"
fi
mv "$request.new" "$request"
track "$certificate"
cat "$certificate"
