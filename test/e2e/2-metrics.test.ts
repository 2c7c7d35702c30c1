import { beforeAll, describe, expect, it } from "vitest";
import { incus, inside, metricsDirectory, must, primary, sql, waitFor, world } from "./lab.js";

const address = (last: number) => `${world.subnet}.${last}`;
const addresses: Record<string, string> = {
  [world.host.name]: world.host.address,
  "pgaf-monitor": address(11),
  "pgaf-primary": address(12),
  "pgaf-replica": address(13),
};
const dataNodes = ["pgaf-primary", "pgaf-replica"];

/** Series by name and labels, without those labels that the exporter puts to all of its own. */
type Series = Map<string, number>;

/** What an exporter answers on the lab's bridge. */
async function scrape(machine: string, port: number): Promise<Series> {
  const text = await must(world.host.name, `curl -sSf --max-time 20 http://${addresses[machine]}:${port}/metrics`);
  const series: Series = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const [, name = "", labels = "", value] = match;
    const own = labels
      .split(/,(?=[a-z_]+=")/)
      .filter((label) => label && !label.startsWith("server="))
      .sort();
    series.set(own.length > 0 ? `${name}{${own.join(",")}}` : name, value === "+Inf" ? Infinity : Number(value));
  }
  return series;
}

const get = (series: Series, key: string): number => series.get(key) ?? Number.NaN;
const names = (series: Series) => [...new Set([...series.keys()].map((key) => key.replace(/\{.*/, "")))];
const now = () => Date.now() / 1000;

interface Info {
  archive: { min: string; max: string }[];
  backup: { type: string; timestamp: { stop: number }; info: { repository: { delta: number } } }[];
}
async function info(node: string, repo: number): Promise<Info> {
  const text = await must(
    node,
    `cd /; runuser -u postgres -- pgbackrest --stanza=main --repo=${repo} --output=json info`,
  );
  const [stanza] = JSON.parse(text) as Info[];
  if (!stanza) throw new Error("no stanza");
  return stanza;
}

let writer: string;
let follower: string;

beforeAll(async () => {
  await waitFor("a settled formation", 120, async () => {
    const series = await scrape("pgaf-monitor", 9100);
    return (
      get(series, "restorable_formation_primaries") === 1 &&
      get(series, "restorable_formation_standbys") === 1 &&
      now() - get(series, "restorable_formation_metrics_timestamp_seconds") < 30
    );
  });
  writer = await primary();
  follower = dataNodes.find((node) => node !== writer) ?? "";
}, 150_000);

describe("metrics of the lab as it stands", () => {
  const looks = dataNodes.flatMap((node) => [1, 2].map((repo) => [node, repo] as const));
  it.each(looks)("V13 P4 %s tells of repository %i what pgBackRest itself says", async (node, repo) => {
    const before = await info(node, repo);
    await must(node, "systemctl start restorable-metrics.service");
    const after = await info(node, repo);
    const series = await scrape(node, 9100);
    const repository = (name: string, more = "") =>
      get(
        series,
        `restorable_repository_${name}{${[`repo="${repo}"`, 'stanza="main"', more].filter(Boolean).join(",")}}`,
      );
    expect(repository("reachable")).toBe(1);
    expect(now() - repository("look_timestamp_seconds")).toBeLessThan(120);
    for (const type of ["full", "diff", "incr"]) {
      const backups = after.backup.filter((backup) => backup.type === type);
      const last = backups.at(-1);
      expect(repository("backups", `type="${type}"`), type).toBe(backups.length);
      expect(repository("last_backup_timestamp_seconds", `type="${type}"`), type).toBe(last?.timestamp.stop ?? 0);
      expect(repository("last_backup_size_bytes", `type="${type}"`), type).toBe(last?.info.repository.delta ?? 0);
    }
    expect(repository("backups", 'type="full"')).toBeGreaterThan(0);
    const range =
      [...series.keys()].find(
        (key) => key.startsWith("restorable_repository_wal_info{") && key.includes(`repo="${repo}"`),
      ) ?? "";
    const [, max = "", min] = /max="(\w+)",min="(\w+)"/.exec(range) ?? [];
    expect(min).toBe(after.archive.at(-1)?.min);
    expect(max >= (before.archive.at(-1)?.max ?? "") && max <= (after.archive.at(-1)?.max ?? ""), max).toBe(true);
    expect(repository("wal_timeline")).toBe(Number.parseInt(max.slice(0, 8), 16));
    // The heartbeat makes WAL each minute, and archive_timeout has it pushed within one more.
    expect(now() - repository("newest_wal_timestamp_seconds")).toBeLessThan(300);

    expect(get(series, "restorable_wal_dropped_total")).toBe(0);
    const backups = ["full", "diff", "full-repo2", "diff-repo2"].map((job) => `pgbackrest-${job}`);
    for (const timer of [...backups, "restorable-heartbeat", "restorable-metrics"])
      expect(get(series, `restorable_timer_active{timer="${timer}.timer"}`), timer).toBe(1);
    for (const file of ["ca", "server"])
      expect(
        get(series, `restorable_certificate_expiry_timestamp_seconds{file="/etc/restorable/tls/${file}.crt"}`),
      ).toBeGreaterThan(now() + 90 * 86_400);
    expect(get(series, "node_textfile_scrape_error")).toBe(0);
  });

  it("V13 both nodes' Postgres: roles, synchronous state, archiving, heartbeat, room", async () => {
    // A connection from before a restart of Postgres costs the exporter one scrape.
    for (const node of dataNodes)
      await waitFor(`pg_up of ${node}`, 30, async () => get(await scrape(node, 9187), "pg_up") === 1);
    const [first, second] = await Promise.all([scrape(writer, 9187), scrape(follower, 9187)]);
    const pg = (series: Series, name: string) => get(series, `restorable_postgres_${name}`);
    for (const series of [first, second]) {
      expect(get(series, "pg_up")).toBe(1);
      expect(get(series, "pg_exporter_last_scrape_error")).toBe(0);
      expect(names(series)).toEqual(
        expect.arrayContaining(["pg_stat_archiver_archived_count", "pg_stat_archiver_failed_count"]),
      );
      expect(pg(series, "heartbeat_age_seconds")).toBeLessThan(180);
      expect(pg(series, "replay_delay_seconds")).toBeLessThan(180);
      expect(pg(series, "wal_bytes")).toBeGreaterThan(16 * 1024 * 1024 - 1);
      expect(pg(series, "connections")).toBeGreaterThan(0);
      expect(pg(series, "max_connections")).toBe(Number(await sql(writer, "SHOW max_connections", "postgres")));
      for (const name of ["commit_wait_seconds", "wal_ready_segments", "archive_failed_timestamp_seconds"])
        expect(pg(series, name), name).toBeGreaterThanOrEqual(0);
      expect(pg(series, "timeline")).toBe(
        Number.parseInt(
          (await sql(writer, "SELECT pg_walfile_name(pg_current_wal_lsn())", "postgres")).slice(0, 8),
          16,
        ),
      );
    }
    expect([pg(first, "in_recovery"), pg(second, "in_recovery")]).toEqual([0, 1]);
    expect([pg(first, "sync_required"), pg(first, "standbys"), pg(first, "sync_standbys")]).toEqual([1, 1, 1]);
    expect(pg(second, "standbys")).toBe(0);
    expect(get(first, `restorable_postgres_replay_lag_bytes{standby="${follower}"}`)).toBeGreaterThanOrEqual(0);
    expect(now() - pg(first, "last_archived_timestamp_seconds")).toBeLessThan(300);
    // What the application keeps in its tables is nobody's business here.
    expect(names(first).filter((name) => name.startsWith("pg_stat_user_tables"))).toEqual([]);
    expect(names(first).filter((name) => name.startsWith("pg_settings"))).toEqual([]);
  });

  it("V13 the exporter's role reads statistics and the heartbeat, nothing else, and has no password", async () => {
    const role = `SELECT rolpassword IS NULL, rolsuper, (SELECT string_agg(pg_get_userbyid(roleid)::text, ',') FROM pg_auth_members WHERE member = pg_authid.oid)
      FROM pg_authid WHERE rolname = 'restorable_metrics'`;
    for (const node of dataNodes) {
      expect(await sql(node, role)).toBe("t|f|pg_monitor");
      const user =
        "setpriv --reuid=restorable_metrics --regid=restorable_metrics --clear-groups psql -X -qAt -d app -c";
      expect(await must(node, `cd /; ${user} 'SELECT count(*) > 0 FROM restorable.heartbeat'`)).toBe("t");
      expect((await inside(node, `cd /; ${user} 'SELECT count(*) FROM users'`)).output).toContain("permission denied");
      expect(await must(node, "ps -o user:32= -C prometheus-postgres-exporter")).toContain("restorable_metrics");
    }
  });

  it("V13 the monitor tells of the formation what it shows itself", async () => {
    const series = await scrape("pgaf-monitor", 9100);
    const formation = (name: string) => get(series, `restorable_formation_${name}`);
    const numbers = ["primaries", "standbys", "nodes", "nodes_expected", "number_sync_standbys"];
    expect(numbers.map(formation)).toEqual([1, 1, 2, 2, 0]);
    for (const [node, state] of [
      [writer, "primary"],
      [follower, "secondary"],
    ] as const) {
      expect(formation(`node_healthy{node="${node}"}`)).toBe(1);
      expect(formation(`node_settled{node="${node}"}`)).toBe(1);
      expect(formation(`node_primary{node="${node}"}`)).toBe(state === "primary" ? 1 : 0);
      expect(formation(`node_state{assigned="${state}",node="${node}",reported="${state}"}`)).toBe(1);
      expect(now() - formation(`node_report_timestamp_seconds{node="${node}"}`)).toBeLessThan(60);
      expect(formation(`node_state_change_timestamp_seconds{node="${node}"}`)).toBeLessThan(now());
    }
    const promoted = Number(
      await sql(
        "pgaf-monitor",
        "SELECT coalesce(extract(epoch FROM max(eventtime)), 0) FROM pgautofailover.event WHERE reportedstate = 'stop_replication' AND goalstate = 'wait_primary'",
        "pg_auto_failover",
      ),
    );
    expect(formation("last_failover_timestamp_seconds")).toBeGreaterThanOrEqual(Math.floor(promoted));
    expect(now() - formation("metrics_timestamp_seconds")).toBeLessThan(60);
    expect(get(series, 'restorable_timer_active{timer="restorable-formation-metrics.timer"}')).toBe(1);
  });

  it("V13 the host tells how full the data volumes are, as Incus counts", async () => {
    await must(world.host.name, "systemctl start restorable-host-metrics.service");
    const series = await scrape(world.host.name, 9100);
    for (const volume of ["pgaf-monitor", "pgaf-primary", "pgaf-replica", "object-store", "offsite-store"].map(
      (name) => `${name}-data`,
    )) {
      const used = get(series, `restorable_volume_used_bytes{volume="${volume}"}`);
      const size = get(series, `restorable_volume_size_bytes{volume="${volume}"}`);
      const { stdout } = await incus("storage", "volume", "get", world.pool, volume, "size");
      expect(size, volume).toBe(Number.parseInt(stdout, 10) * 1024 ** 3);
      expect(used, volume).toBeGreaterThan(1024);
      expect(used, volume).toBeLessThan(size);
    }
    for (const timer of ["pgbackrest-drill", "pgbackrest-drill-repo2", "restorable-host-metrics"])
      expect(get(series, `restorable_timer_active{timer="${timer}.timer"}`), timer).toBe(1);
    const [authority = ""] = [...series.keys()].filter((key) => key.includes("/authority/ca.crt"));
    expect(get(series, authority)).toBeGreaterThan(now() + 90 * 86_400);
  });

  it("nothing listens in the containers that does not have to", async () => {
    // Names are resolved by systemd-resolved; Postgres listens on every address of its container.
    const resolver = ["127.0.0.53%lo:53", "127.0.0.54:53", "0.0.0.0:5355", "[::]:5355"];
    const postgres = ["0.0.0.0:5432", "[::]:5432"];
    const allowed: Record<string, string[]> = {
      "pgaf-monitor": [...postgres, `${address(11)}:9100`],
      "pgaf-primary": [...postgres, `${address(12)}:9100`, `${address(12)}:9187`],
      "pgaf-replica": [...postgres, `${address(13)}:9100`, `${address(13)}:9187`],
      "object-store": [`${address(20)}:9000`],
      "offsite-store": [`${address(22)}:9000`],
    };
    for (const [container, expected] of Object.entries(allowed)) {
      const listening = (await must(container, "ss -Hltn | awk '{print $4}'")).split("\n");
      expect(listening.filter((socket) => !resolver.includes(socket)).sort(), container).toEqual(expected.sort());
    }
  });

  it("files are world-readable, whole, and nothing lies beside them", async () => {
    for (const machine of Object.keys(addresses)) {
      const files = await must(machine, `find ${metricsDirectory} -mindepth 1 -printf '%m %f\\n'`);
      for (const file of files.split("\n")) expect(file, machine).toMatch(/^644 [\w.@]+\.prom$/);
    }
  });
});
