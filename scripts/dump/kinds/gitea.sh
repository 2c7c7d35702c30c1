# shellcheck shell=bash disable=SC2034,SC2153
# Repositories, settings and attachments of a Gitea in Docker. Its database is part of the dump of Postgres.
SUFFIX=gitea.gz
# shellcheck source=scripts/dump/docker.sh
. "$LIB/dump/docker.sh"

ready() { container_runs; }

produce() {
  limited docker exec -u "$DUMP_USER" "$CONTAINER" \
    gitea dump --skip-log --skip-db --skip-package-data --type tar.gz -f -
}

# content <DUMP: an archive to its end, with Gitea's settings in it, which every dump has.
content() {
  local names
  # Gitea's own error may be all there is: it goes to where the archive should.
  names=$(gzip -dc | tar -tf - 2>&1) || { echo "no whole archive: ${names##*$'\n'}" >&2; return 1; }
  grep -qxF -e app.ini <<<"$names" || { echo "the archive has no app.ini: no dump of a Gitea" >&2; return 1; }
}
