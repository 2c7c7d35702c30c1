import { repositories } from "../lab/drill.js";
import { repositoryUnit } from "../render/repositoryUnits.js";

/** Put before every step: what several of them need. */
export const prelude = `set -euo pipefail
cd /
sql() { runuser -u postgres -- psql -X -qAt -v ON_ERROR_STOP=1 "$@"; }
kept=/var/lib/restorable-fire-drill
keep() { mkdir -p "$kept"; [ -e "$kept/$1" ] || { cat >"$kept/$1.new"; mv "$kept/$1.new" "$kept/$1"; }; }
textfiles=/var/lib/node_exporter/textfile_collector
`;

/** Ends the current WAL segment as often as said: each costs 16 MiB. */
export const switchWal = (times: number) =>
  `sql -d postgres -c "DO \\$\\$ BEGIN FOR n IN 1..${times} LOOP PERFORM pg_logical_emit_message(false, 'fire-drill', 'x'); PERFORM pg_switch_wal(); END LOOP; END \\$\\$"`;

/** Ends the current WAL segment and waits until it is in the repository. */
export const archiveWal = `sql -d postgres -c "SELECT pg_logical_emit_message(true, 'fire-drill', 'x')" >/dev/null
segment=$(sql -d postgres -c 'SELECT pg_walfile_name(pg_switch_wal())')
for _ in $(seq 240); do
  [ "$(sql -d postgres -c "SELECT last_archived_wal >= '$segment' FROM pg_stat_archiver")" != t ] || exit 0
  sleep 0.5
done
echo "$segment has not been archived within 2 minutes" >&2
exit 1`;

/** The restore drill as its timer runs it. */
export const runDrill = "systemctl start pgbackrest-drill.service";

/** As {@link runDrill}; what is written on failure is the journal's. */
export const passDrill = `${runDrill} || { journalctl -u pgbackrest-drill.service -n 8 --no-pager -o cat >&2; exit 1; }`;

const units = (job: string) => repositories.map((number) => `${repositoryUnit(`pgbackrest-${job}`, number)}`);

/** A drill of each repository, one after the other, as their timers run them. */
export const passDrills = units("drill")
  .map((unit) => passDrill.replaceAll("pgbackrest-drill", unit))
  .join("\n");

/** The coverage ledger, which by itself looks once an hour; its findings are alerts, which are waited for. */
export const lookAgain =
  "{ systemctl start restorable-host-metrics.service && sleep 10 && systemctl start restorable-coverage.service; } || true";

/** A backup into each repository, one after the other, as their timers take them; runs on the primary. */
export const backUp = (type: "full" | "diff") =>
  units(type)
    .map((unit) => `systemctl start ${unit}.service`)
    .join("\n");

/** Starts or stops all timers of these jobs. */
export const timers = (verb: "start" | "stop", ...jobs: string[]) =>
  `systemctl ${verb} ${jobs
    .flatMap(units)
    .map((unit) => `${unit}.timer`)
    .join(" ")}`;

/** Drops every packet to this address. */
export const cut = (address: string) => `ip route replace blackhole ${address}/32`;
export const mend = (address: string) => `ip route del blackhole ${address}/32 2>/dev/null || true`;

/** Waits until every data node is where the monitor wants it, one of them the primary; runs on the monitor. */
export const settled = `for _ in $(seq 360); do
  [ "$(sql -d pg_auto_failover -c "SELECT count(*) > 1 AND bool_and(reportedstate = goalstate AND health = 1 AND reportedstate IN ('primary', 'secondary')) FROM pgautofailover.node" 2>/dev/null)" != t ] || exit 0
  sleep 0.5
done
echo "the formation has not settled within 3 minutes" >&2
exit 1`;
