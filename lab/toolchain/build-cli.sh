#!/usr/bin/env bash
# Builds the Pulumi CLI from its pinned Go module; see --help.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: build-cli.sh DIRECTORY

Builds the Pulumi CLI from the Go module pinned in cli/go.mod (checksums in cli/go.sum)
as DIRECTORY/pulumi. The directory appears whole or not at all. Does nothing when it is
there; when another build of it is under way, waits for that one.

Exit status: 0 built or there already, 3 Go is missing or too old, other: the build failed.
TEXT
}

case "${1:-}" in
-h | --help)
  usage
  exit 0
  ;;
"")
  usage >&2
  exit 2
  ;;
esac

target=$1
module_dir=$(cd "$(dirname "$0")/cli" && pwd)
needed=$(awk '$1 == "go" { print $2 }' "$module_dir/go.mod")
version=$(awk '$2 == "github.com/pulumi/pulumi/pkg/v3" { print $3 }' "$module_dir/go.mod")
# From this one on, Go fetches a newer Go by itself.
self_updating=1.21

at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

need_go() {
  echo "$1: install Go $needed or newer (or at least $self_updating, which fetches the newer one by itself)," \
    "e.g. 'apt-get install golang-go' on Debian 13 or golang-go from bookworm-backports on Debian 12;" \
    "or put the pulumi CLI on PATH" >&2
  exit 3
}

check_go() {
  command -v go >/dev/null || need_go "Go is not installed"
  local have
  # Asked outside the module: inside, an old Go would already go looking for the newer one.
  have=$(cd / && GOTOOLCHAIN=local go env GOVERSION)
  have=${have#go}
  at_least "$self_updating" "$have" || need_go "Go $have is too old"
}

build() {
  local work=$target.building
  rm -rf "$work"
  mkdir -p "$work"
  cd "$module_dir"
  GOTOOLCHAIN=${GOTOOLCHAIN:-auto} GOFLAGS=-mod=readonly go build -o "$work/pulumi" \
    -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$version" \
    github.com/pulumi/pulumi/pkg/v3/cmd/pulumi &
  local compiler=$!
  trap 'kill "$compiler" 2>/dev/null || true; wait "$compiler" || true; rm -rf "$work"; exit 143' INT TERM HUP
  wait "$compiler"
  "$work/pulumi" version >/dev/null
  rm -rf "$target"
  mv "$work" "$target"
}

usable() { "$target/pulumi" version >/dev/null 2>&1; }

usable && exit 0
check_go
mkdir -p "$(dirname "$target")"
# Held by the open file: a killed build leaves no lock behind.
exec 9>"$target.lock"
if ! flock --nonblock 9; then
  echo "another build is under way; waiting for it" >&2
  flock 9
fi
usable || build
