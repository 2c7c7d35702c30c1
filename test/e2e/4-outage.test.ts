import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside, metric, metricsDirectory, must, primary, pulumi, sql, up, waitFor, world } from "./lab.js";

const stores = { 1: "object-store", 2: "offsite-store" } as const;
type Repository = keyof typeof stores;

/** Names of the whole segments in a store, from its own disk: it answers also while its network does not. */
const segments = async (number: Repository): Promise<Set<string>> => {
  const found = await must(
    stores[number],
    "cd /var/lib/object-store/data && find . -path './*/archive/*' -type f -printf '%f\\n' | grep -oE '^[0-9A-F]{24}-' || true",
  );
  return new Set(found.split("\n").map((name) => name.slice(0, 24)));
};

const archiving = async (node: string, name: string, number: Repository): Promise<number> =>
  metric(
    await must(node, `cat ${metricsDirectory}/restorable_archiving.prom`),
    `repository_${name}`,
    `repo="${number}"`,
  );
const leftOut = (node: string, number: Repository) => async () => (await archiving(node, "archiving", number)) === 0;
const whole = (node: string, number: Repository) => async () =>
  (await archiving(node, "archiving", number)) === 1 && (await archiving(node, "hole", number)) === 0;

/** Ends segments with something in them, and gives their names. */
const writeSegments = async (node: string, count: number): Promise<string[]> => {
  const names: string[] = [];
  for (let i = 0; i < count; i += 1)
    names.push(
      await sql(
        node,
        "SELECT pg_create_restore_point('outage') \\gset\nSELECT pg_walfile_name(pg_switch_wal() - 1)",
        "postgres",
      ),
    );
  return names;
};
const arrived = (number: Repository, names: string[]) => async () => {
  const there = await segments(number);
  return names.every((name) => there.has(name));
};

const said = (node: string) =>
  must(node, "journalctl -u 'restorable-archiving*' --since '-15 min' --no-pager -o cat | tail -n 60");

const refuse = { begin: "systemctl stop versitygw.service", end: "systemctl start versitygw.service" };
const nodes = [12, 13].map((last) => `${world.subnet}.${last}/32`);
const blackhole = {
  begin: nodes.map((node) => `ip route replace blackhole ${node}`).join("; "),
  end: nodes.map((node) => `ip route del blackhole ${node} 2>/dev/null || true`).join("; "),
};

let node: string;

beforeAll(async () => {
  node = await primary();
  for (const number of [1, 2] as const) await waitFor(`repository ${number} is whole`, 120, whole(node, number));
});

afterAll(async () => {
  await inside(stores[1], blackhole.end);
  await inside(stores[2], refuse.end);
});

describe("the off-site store refuses connections", () => {
  it("the on-site repository goes on getting WAL, the other is left out and that is said", async () => {
    await must(stores[2], refuse.begin);
    await writeSegments(node, 1);
    await waitFor("repository 2 is left out", 120, leftOut(node, 2));
    expect(await archiving(node, "hole", 2)).toBe(1);
    expect(await archiving(node, "suspended_timestamp_seconds", 2)).toBeGreaterThan(Date.now() / 1000 - 300);
    expect(await archiving(node, "archiving", 1)).toBe(1);
    await waitFor("new WAL is in repository 1", 60, arrived(1, await writeSegments(node, 2)));
    expect(await said(node)).toMatch(/repository 2 does not take WAL, \w+ waits for \d+ s: taken out of archiving/);
  });

  it("that is no drift", async () => {
    const { code, output } = await pulumi(["preview", "--expect-no-changes"]);
    expect(code, output).toBe(0);
    expect(await archiving(node, "archiving", 2)).toBe(0);
  });

  it("a switchover meanwhile: the new primary leaves it out as well, and repository 1 has no gap", async () => {
    const other = node === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary";
    await sql("pgaf-monitor", "SELECT pgautofailover.perform_failover('default', 0)", "pg_auto_failover");
    await waitFor("the other node takes writes", 60, async () => (await primary()) === other);
    const former = node;
    node = other;
    await writeSegments(other, 1);
    await waitFor("repository 2 is left out by the new primary", 120, leftOut(other, 2));
    await waitFor("the former timeline is proven in repository 1", 200, async () => {
      const text = await must(other, `cat ${metricsDirectory}/restorable_archive.prom`);
      return metric(text, "archive_gap") === 0 && (await sql(other, "SHOW archive_mode")) === "on";
    });
    await waitFor("new WAL is in repository 1", 60, arrived(1, await writeSegments(other, 2)));
    await waitFor(
      "the former primary leaves nothing out",
      90,
      async () => (await archiving(former, "archiving", 2)) === 1,
    );
  });

  it("it returns: put back, and its hole filled with nothing done by hand", async () => {
    const missed = await writeSegments(node, 2);
    await must(stores[2], refuse.end);
    await waitFor("repository 2 is whole", 180, whole(node, 2));
    expect(await arrived(2, missed)()).toBe(true);
    const words = await said(node);
    expect(words).toContain("repository 2 takes WAL again: back in archiving");
    expect(words).toMatch(/repository 2: its hole is closed: whole from segment \w+ on/);
  });

  it("a drill of the returned repository passes the hole", async () => {
    const { code, output } = await inside(world.host.name, "/usr/local/bin/dr-drill.sh --repo 2");
    expect(code, output).toBe(0);
    expect(output).toMatch(/reaches the newest archived segment/);
  });
});

describe("the on-site store's packets vanish", () => {
  it("the off-site repository goes on getting WAL, and settings can be changed meanwhile", async () => {
    await must(stores[1], blackhole.begin);
    await writeSegments(node, 1);
    await waitFor("repository 1 is left out", 150, leftOut(node, 1));
    expect(await archiving(node, "archiving", 2)).toBe(1);
    await waitFor("new WAL is in repository 2", 60, arrived(2, await writeSegments(node, 6)));
    const { code, output } = await up((config) => {
      config["restorable:backup"].outage = { ...config["restorable:backup"].outage, fillSegments: 2 };
    });
    expect(code, output).toBe(0);
    expect(await archiving(node, "archiving", 1)).toBe(0);
    expect(await must(node, "grep ^FILL_SEGMENTS= /etc/restorable/backup.env")).toBe("FILL_SEGMENTS=2");
  });

  it("it returns: the hole, more than may be filled, is closed by a backup", async () => {
    await must(stores[1], blackhole.end);
    await waitFor("repository 1 is whole", 240, whole(node, 1));
    expect(await said(node)).toMatch(
      /repository 1: its hole is closed: (by a backup|a backup taken after it is there)/,
    );
    const { code, output } = await up();
    expect(code, output).toBe(0);
  });

  it("a drill of the returned repository passes, and nothing is left out", async () => {
    const { code, output } = await inside(world.host.name, "/usr/local/bin/dr-drill.sh --repo 1");
    expect(code, output).toBe(0);
    for (const number of [1, 2] as const) expect(await whole(node, number)()).toBe(true);
    const both = await must(node, "grep -o '^repo[0-9]*-type' /etc/pgbackrest/archiving/push.conf");
    expect(both).toBe("repo1-type\nrepo2-type");
    await waitFor("all WAL is archived", 60, arrived(1, await writeSegments(node, 1)));
  });
});
