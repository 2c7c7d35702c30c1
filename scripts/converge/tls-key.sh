# Makes the private key of this container once, and prints a certificate request for it. The key never leaves.
# Settings: NAME ADDRESS OWNER
dir=/etc/restorable/tls
id -u "$OWNER" >/dev/null 2>&1 || fail "no user $OWNER in the container"
install -d -m 0755 /etc/restorable "$dir"
if [ ! -s "$dir/server.key" ]; then
  (umask 077; openssl ecparam -name prime256v1 -genkey -noout -out "$dir/server.key.new")
  mv "$dir/server.key.new" "$dir/server.key"
  rm -f "$dir/server.csr"
fi
chown "$OWNER" "$dir/server.key"
chmod 0600 "$dir/server.key"
subject="/CN=$NAME $ADDRESS"
if [ "$(cat "$dir/subject" 2>/dev/null)" != "$subject" ] || [ ! -s "$dir/server.csr" ]; then
  openssl req -new -key "$dir/server.key" -subj "/CN=$NAME" -addext "subjectAltName=DNS:$NAME,IP:$ADDRESS" -out "$dir/server.csr"
  printf '%s\n' "$subject" >"$dir/subject"
fi
track "$dir/server.key"
track "$dir/server.csr"
cat "$dir/server.csr"
