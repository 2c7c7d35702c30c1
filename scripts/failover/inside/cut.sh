#!/usr/bin/env bash
# Cuts this node from the network, and measures how long its Postgres then goes on. Runs as the unit
# restorable-failover-test-cut; when the unit ends, for whatever reason, `cut.sh heal` joins the link again.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: cut.sh cut DATABASE | heal
cut    starts a client on this node, drops what the container sends and gets, waits until Postgres here answers nobody
       any more, writes the milliseconds that took to $FOLDER/stopped, and stays until it is ended. Its process may be
       there for longer: at a fast shutdown Postgres has its archiver try once more, which waits for the store.
heal   joins the link
TEXT
}

folder=${FOLDER:-/run/restorable-failover-test}
link=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p;q')
link=${link:-eth0}
case ${1:-} in
  cut) ;;
  heal)
    tc qdisc del dev "$link" root 2>/dev/null || true
    tc qdisc del dev "$link" ingress 2>/dev/null || true
    exit 0
    ;;
  *)
    usage >&2
    exit 64
    ;;
esac

export LC_ALL=C
exec {never}<> <(:)
# The client that an isolated primary must not give an acknowledgement that its successor knows nothing of.
chmod 0711 "$folder"
chmod 0755 "$folder"/*.sh
install -d -o postgres -g postgres "$folder/history" "$folder/log"
install -o postgres -g postgres /dev/null "$folder/servers"
runuser -u postgres -- env FOLDER="$folder" "$(dirname "${BASH_SOURCE[0]}")/writer.sh" isolated probe "dbname=$2" &
for ((i = 0; i < 50; i++)); do
  [[ ! -s $folder/servers ]] || break
  read -r -t 0.1 -u "$never" || true
done
begin=$EPOCHREALTIME
# A queue with no room drops silently, as a pulled cable does: no error tells the programs about it.
tc qdisc replace dev "$link" root bfifo limit 1
if ! { tc qdisc add dev "$link" ingress && tc filter add dev "$link" parent ffff: matchall action drop; } 2>/dev/null; then
  echo "no filter for what comes in on this kernel: only what goes out is dropped, so nothing is answered" >&2
fi
while pg_isready -q -t 2; do read -r -t 0.1 -u "$never" || true; done
now=$EPOCHREALTIME
echo $(((${now/./} - ${begin/./}) / 1000)) >"$folder/stopped"
while :; do read -r -t 60 -u "$never" || true; done
