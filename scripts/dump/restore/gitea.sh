# shellcheck shell=bash disable=SC2153,SC2154
# Repositories, data and settings, back into a Gitea in Docker with the folders of its official image.

as_root() { docker exec -i -u root "$CONTAINER" "$@"; }

target() {
  local there
  there=$(as_root sh -c '[ -f /data/gitea/conf/app.ini ] || exit 1; find /data/git/repositories -mindepth 2 -maxdepth 2 -name "*.git" 2>/dev/null | wc -l' </dev/null) || {
    echo "no /data/gitea/conf/app.ini in the container: it is not laid out as Gitea's official image (not the rootless one), or nobody may look" >&2
    return 1
  }
  echo "it holds $(gzip -dc "$FILE" | tar -tf - | grep -cE '^repos/[^/]+/[^/]+[.]git/HEAD$' || true) repositories; $there are there"
  echo "Gitea's database is not in it: it comes from the dump of postgres, restored first, of the same day"
  if [ "$there" -gt 0 ]; then
    echo "not empty: /data/git/repositories, and of /data/gitea what the dump has too, will be moved to *.before_$NOW; nothing is deleted"
  fi
}

# Runs in the container as root: unpacks beside the data, then only renames. What the running Gitea has open stays.
# shellcheck disable=SC2016
swap='set -eu
stage=/data/.restore_$0
rm -rf "$stage"
mkdir -p "$stage"
trap "rm -rf \"$stage\"" EXIT
tar -xzf - -C "$stage" --no-same-owner
chown -R git:git "$stage"
put() {
  [ -e "$1" ] || return 0
  mkdir -p "${2%/*}"
  chown git:git "${2%/*}"
  if [ -e "$2" ]; then mv "$2" "$2.before_$0"; fi
  mv "$1" "$2"
}
put "$stage/repos" /data/git/repositories
put "$stage/data/lfs" /data/git/lfs
for part in "$stage"/data/* "$stage"/custom/*; do
  case ${part##*/} in queues | sessions | tmp | indexers | conf | log) continue ;; esac
  put "$part" "/data/gitea/${part##*/}"
done
put "$stage/app.ini" /data/gitea/conf/app.ini'

load() {
  local i
  as_root sh -c "$swap" "$NOW" <"$FILE" || { echo "the archive did not go in whole; what was there is in *.before_$NOW" >&2; return 1; }
  # It reads settings and keys anew.
  docker restart "$CONTAINER" >/dev/null || { echo "$CONTAINER does not start again" >&2; return 1; }
  for ((i = 0; i < ${RESTART_TRIES:-60}; i++)); do
    if docker exec -u "$DUMP_USER" "$CONTAINER" gitea admin regenerate hooks >"$work/hooks" 2>&1; then
      echo "restored; hooks regenerated. Remove the *.before_$NOW in /data when nobody needs them"
      return 0
    fi
    sleep 1
  done
  tail -n 3 "$work/hooks" >&2
  echo "the files are in their places, but the hooks could not be regenerated: is the database restored? Then: docker exec -u $DUMP_USER $CONTAINER gitea admin regenerate hooks" >&2
  return 1
}
