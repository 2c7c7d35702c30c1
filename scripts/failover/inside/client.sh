#!/usr/bin/env bash
# All clients of one run of the failover test: the application's, and a probe at each node. Runs as the unit
# restorable-failover-test-client in the monitor's container until it is stopped.
# From the environment: FOLDER, WRITERS (how many), URI (of the application), PROBES (`name=connection` words).
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$FOLDER/history" "$FOLDER/log"
for ((i = 1; i <= WRITERS; i++)); do "$here/writer.sh" "client-$i" client "$URI" & done
for probe in $PROBES; do "$here/writer.sh" "probe-${probe%%=*}" probe "${probe#*=}" & done
wait
