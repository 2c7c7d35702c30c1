# Makes the stack's certificate authority once, on this host, and prints its certificate. One that is given, key and
# certificate, is put in place where there is none. Secrets: AUTHORITY (may be absent)
dir=$STATE_DIR/authority
(
  umask 077
  mkdir -p "$dir"
  if [ ! -s "$dir/ca.key" ] || [ ! -s "$dir/ca.crt" ]; then
    if [ -n "${AUTHORITY:-}" ]; then
      if ! openssl pkey -out "$dir/ca.key.new" <<<"$AUTHORITY" 2>/dev/null || ! openssl x509 -out "$dir/ca.crt.new" <<<"$AUTHORITY" 2>/dev/null ||
        [ "$(openssl pkey -in "$dir/ca.key.new" -pubout)" != "$(openssl x509 -in "$dir/ca.crt.new" -noout -pubkey)" ]; then
        fail "the secret authority holds no key with its certificate (restorable:authority)"
      fi
      mv "$dir/ca.key.new" "$dir/ca.key"
      mv "$dir/ca.crt.new" "$dir/ca.crt"
      say "certificate authority put in place"
      exit 0
    fi
    if [ -s "$dir/issued" ]; then fail "the authority's key in $dir is lost but certificates were issued from it: restore it from the escrow (docs/state.md), or set restorable:authority"; fi
    openssl ecparam -name prime256v1 -genkey -noout -out "$dir/ca.key.new"
    openssl req -x509 -new -key "$dir/ca.key.new" -sha256 -days 7300 -subj "/CN=restorable $STACK" \
      -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$dir/ca.crt.new"
    mv "$dir/ca.key.new" "$dir/ca.key"
    mv "$dir/ca.crt.new" "$dir/ca.crt"
    say "certificate authority made"
  fi
)
track "$dir/ca.key"
track "$dir/ca.crt"
cat "$dir/ca.crt"
