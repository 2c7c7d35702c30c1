#!/usr/bin/env bash
# Lets a Postgres stop that waits for the metrics exporter to leave. Before pg_rewind, pg_autoctl 2.2 starts a former
# primary for crash recovery and then asks it to stop once its clients have left; the exporter's connection stays.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: release-shutdown.sh [--help]
Run as postgres, each minute. When Postgres takes no connections any more, ends those that the metrics exporter
(role restorable_metrics) still has. While Postgres takes connections it does nothing.

Exit: 0, whether there was something to end or not.
TEXT
}

# shellcheck source=scripts/node/arguments.sh
. "$(dirname "${BASH_SOURCE[0]}")/arguments.sh"
no_arguments "$@"

status=0
pg_isready -q -t 3 || status=$?
# 1: it is there and rejects, because it starts or stops.
[[ $status == 1 ]] || exit 0
for pid in $(ps -u postgres -o pid=,args= | awk '$2 == "postgres:" && $3 == "restorable_metrics" {print $1}'); do
  echo "Postgres takes no connections: the exporter's ($pid) is ended, so that it can stop"
  kill "$pid" || true
done
