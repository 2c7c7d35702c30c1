#!/usr/bin/env bats
# Certificates are installed beside the key that they belong to, and beside no other.

setup() {
  export CONTAINER="" STATE_DIR="$BATS_TEST_TMPDIR/state" TARGET=node STEP=node TLS="$BATS_TEST_TMPDIR/tls"
  sed "s#/etc/restorable/tls#$TLS#; s/ root </ $(id -un) </" "$BATS_TEST_DIRNAME/../../scripts/host/lib.sh" >"$BATS_TEST_TMPDIR/lib.sh"
  mkdir -p "$TLS"
  cd "$BATS_TEST_TMPDIR"
  authority ca
  key server && cp server.key server.csr "$TLS/"
  key other
  CA=$(cat ca.crt)
  export CA
}

authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.crt" -subj "/CN=$1" -days 2 2>/dev/null
}
key() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null; }
# signed REQUEST AUTHORITY: a certificate, in PEM
signed() { openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 1 2>/dev/null; }
install() { CERTIFICATE=$1 run bash -c '. "$1"; install_certificates' - "$BATS_TEST_TMPDIR/lib.sh"; }

@test "that of the key" {
  install "$(signed server ca)"
  [ "$status" -eq 0 ]
  [ "$(openssl x509 -in "$TLS/server.crt" -noout -pubkey)" = "$(openssl pkey -in "$TLS/server.key" -pubout)" ]
  [ "$(cat "$TLS/ca.crt")" = "$CA" ]
  [ "$(grep -c "$TLS/server.crt$" "$STATE_DIR"/manifest/node.node.new)" -eq 1 ]
  [ -e "$TLS/server.csr" ]
}

@test "of another key: the standing one stays, and the next update sees that the key's request is gone" {
  standing=$(signed server ca)
  printf '%s\n' "$standing" >"$TLS/server.crt"
  install "$(signed other ca)"
  [ "$status" -eq 0 ]
  [[ $output == *"the state is older than this container. Run \`pulumi up\` again"* ]]
  [ "$(cat "$TLS/server.crt")" = "$standing" ]
  [ "$(grep -c "$TLS/server.crt$" "$STATE_DIR"/manifest/node.node.new)" -eq 1 ]
  [ ! -e "$TLS/server.csr" ]
}

@test "of another key, and none that holds stands: refused, nothing installed" {
  authority strange
  for standing in "" "$(signed server strange)" "$(signed other ca)"; do
    printf '%s\n' "$standing" >"$TLS/server.crt"
    install "$(signed other ca)"
    [ "$status" -eq 1 ]
    [[ $output == *"belongs to another key"* ]]
    [ "$(cat "$TLS/server.crt")" = "$standing" ]
  done
}

@test "without a key" {
  rm "$TLS/server.key"
  install "$(signed server ca)"
  [ "$status" -eq 1 ]
  [[ $output == *"no private key in "* ]]
}
