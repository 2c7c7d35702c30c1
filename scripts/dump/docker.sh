# shellcheck shell=bash disable=SC2153
# The container that is dumped. Needs CONTAINER.

# container_runs: says which ones do, when this one does not.
container_runs() {
  local running
  command -v docker >/dev/null || { echo "no docker on this host" >&2; return 1; }
  running=$(timeout 60 docker ps --format '{{.Names}}' 2>&1) || { echo "docker does not answer: ${running##*$'\n'}" >&2; return 1; }
  ! grep -qxF -e "$CONTAINER" <<<"$running" || return 0
  running=$(LC_ALL=C sort <<<"$running" | paste -sd' ')
  echo "no container $CONTAINER runs on this host; what runs: ${running:-none}" >&2
  return 1
}
