import { beforeAll, describe, expect, it } from "vitest";
import { failoverTest, leftovers } from "./failoverTest.js";
import {
  drill,
  incus,
  inside,
  kept,
  metric,
  metricsDirectory,
  must,
  primary,
  runLab,
  sql,
  waitFor,
  world,
} from "./lab.js";
import { archive } from "./trial.js";

const asPostgres = (command: string) => `cd /; runuser -u postgres -- ${command}`;

interface MonitorNode {
  nodename: string;
  current_group_state: string;
  assigned_group_state: string;
}

const states = async (): Promise<Record<string, string>> => {
  const text = await must(
    "pgaf-monitor",
    asPostgres("pg_autoctl show state --json --pgdata /var/lib/postgresql/17/pgaf/monitor"),
  );
  const nodes = JSON.parse(text) as MonitorNode[];
  return Object.fromEntries(
    nodes.map((node) => [
      node.nodename,
      node.current_group_state === node.assigned_group_state ? node.current_group_state : "changing",
    ]),
  );
};
const stable = (first: string, second: string) => async () => {
  const now = await states();
  return now[first] === "primary" && now[second] === "secondary";
};

const timeline = async (node: string) =>
  Number.parseInt((await sql(node, "SELECT pg_walfile_name(pg_current_wal_lsn())", "postgres")).slice(0, 8), 16);
const archived = async (node: string, segment: string) =>
  must(node, asPostgres(`pgbackrest --stanza=main repo-ls archive/main/17-1/${segment.slice(0, 16)}`)).then((list) =>
    list.includes(`${segment}-`),
  );
const archiveMetric = async (node: string, name: string) =>
  metric(await must(node, `cat ${metricsDirectory}/restorable_archive.prom`), `archive_${name}`);

let first: string;
let second: string;
let before: Awaited<ReturnType<typeof kept>>;

beforeAll(async () => {
  first = await primary();
  second = first === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary";
  await waitFor("the formation is whole", 60, stable(first, second));
  before = await kept();
});

describe("the primary is lost with WAL that it could not archive", () => {
  const segments: string[] = [];
  let formerTimeline: number;
  let moment: string;
  const began = Math.floor(Date.now() / 1000);

  it("V6 H4 the standby takes over, whatever the store had not been sent", async () => {
    formerTimeline = await timeline(first);
    await must(first, `ip route add blackhole ${world.subnet}.20/32`);
    for (let i = 0; i < 3; i++) {
      await sql(first, `INSERT INTO users (email) VALUES ('unarchived-${i}@example.org')`);
      if (i === 1) moment = await sql(first, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')");
      if (i === 1) await must(first, "sleep 1.1");
      segments.push(await sql(first, "SELECT pg_walfile_name(pg_switch_wal())", "postgres"));
    }
    for (const segment of segments) expect(await archived(second, segment), segment).toBe(false);
    expect((await incus("stop", "--force", first)).code).toBe(0);
    await waitFor("the survivor takes writes", 60, async () => (await primary()) === second);
    expect(await sql(second, "SELECT count(*) FROM users WHERE email LIKE 'unarchived-%'")).toBe("3");
  });

  it("H7 the failover test does not start on an unhealthy formation", async () => {
    const { code, output } = await failoverTest("stop");
    expect(code, output).toBe(1);
    expect(output).toContain("unhealthy baseline, nothing done");
  });

  it("V5 the survivor closes the hole in the former timeline while the old primary is away", async () => {
    await waitFor("the look after the failover has passed", 120, async () => {
      return (await inside(second, "systemctl start restorable-after-failover.service")).code === 0;
    });
    for (const segment of segments) expect(await archived(second, segment), segment).toBe(true);
    const journal = await must(second, `journalctl -u restorable-after-failover --since @${began} -o cat --no-pager`);
    expect(journal).toMatch(/repository 1 lacked \d+ segments of timeline/);
    expect(await archiveMetric(second, "gap")).toBe(0);
    expect(await archiveMetric(second, "checked_timeline")).toBeGreaterThan(formerTimeline);
    await must(second, asPostgres("pgbackrest --stanza=main check"));
  });

  it("H4 the old primary comes back as a synchronous standby", async () => {
    const started = Date.now();
    expect((await incus("start", first)).code).toBe(0);
    await waitFor("the old primary is a healthy standby", 180, stable(second, first));
    console.log(`failover: the old primary was a standby again after ${((Date.now() - started) / 1000).toFixed(1)} s`);
    await waitFor("it streams", 60, async () =>
      /^(sync|quorum)$/.test(await sql(second, "SELECT sync_state FROM pg_stat_replication", "postgres")),
    );
  });

  it("V7 the next backup runs on the survivor", async () => {
    for (const node of [first, second]) {
      const { code, output } = await inside(node, "systemctl start pgbackrest-diff.service");
      expect(code, `${node}: ${output}`).toBe(0);
    }
    const { backups } = await kept();
    expect(backups.length).toBeGreaterThan(before.backups.length);
    expect(await must(first, "journalctl -u pgbackrest-diff -n 5 -o cat --no-pager")).toContain("standby");
  });

  it("X5 a point in time in the WAL that the old primary had not archived can be restored", async () => {
    const { code, output } = await drill(`--target-time '${moment}'`);
    expect(code, output).toBe(0);
  });

  it("the roles being swapped is no drift", async () => {
    const { code, output } = await runLab("up");
    expect(code, output).toBe(0);
    expect(output).toContain("nothing had to be changed");
  });
});

describe("H7 the failover test", () => {
  it.each(["stop", "partition", "switchover"])(
    "%s: nothing lost, nothing doubled, nothing left behind",
    async (mode) => {
      const was = await primary();
      const { code, output, run } = await failoverTest(mode);
      expect(code, output).toBe(0);
      expect(run?.node).toBe(was);
      expect(run?.newPrimary).not.toBe(was);
      expect(run?.firstWriteSeconds).toBeLessThanOrEqual(60);
      expect(run?.history).toMatchObject({ lost: 0, doubled: 0, unasked: 0 });
      expect(run?.history?.acknowledged).toBeGreaterThan(50);
      if (mode === "partition") expect(run?.isolatedStopSeconds).toBeLessThanOrEqual(15);
      expect(await leftovers(run?.newPrimary ?? was)).toBe("");
      expect(await leftovers(was)).toBe("");
    },
  );

  it("V8 X5 both drills pass on the newest timeline, with the rows written across the failovers", async () => {
    const node = await primary();
    expect(node).toBe(first);
    await waitFor("the look after the failover has passed", 120, async () => {
      return (await inside(node, "systemctl start restorable-after-failover.service")).code === 0;
    });
    // Backup before the failovers, writes after the last one: the chain has to hold, to the newest row.
    await sql(node, "INSERT INTO users (email) VALUES ('unarchived-last@example.org')");
    await archive(node);
    const { users } = await kept();
    expect(users).toBe(before.users + 4);
    for (const repository of [1, 2]) {
      const { code, output, stdout } = await inside(
        world.host.name,
        `/usr/local/bin/dr-drill.sh --repo ${repository} --json`,
      );
      expect(code, output).toBe(0);
      expect(JSON.parse(stdout), output).toMatchObject({ repo: repository, outcome: "pass", smokeRows: users });
    }
    await sql(node, "DELETE FROM users WHERE email LIKE 'unarchived-%'");
  });
});
