import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { incus, inside, metric, must, primary, sql, world } from "./lab.js";
import { archive, clear, containers, expectFailed, expectOutcome, start, store, trial } from "./trial.js";

const asPostgres = (command: string) => `cd /; runuser -u postgres -- ${command}`;
/** Labels of repository 1's backups, oldest first. */
const labels = async (node: string): Promise<string[]> => {
  const info = JSON.parse(await must(node, asPostgres("pgbackrest --repo=1 --output=json info"))) as {
    backup: { label: string }[];
  }[];
  return info[0]?.backup.map(({ label }) => label) ?? [];
};

let node = "";
beforeAll(async () => {
  node = await primary();
});
afterAll(async () => {
  for (const name of await containers()) await incus("delete", "--force", name);
  await clear();
});

describe("a random moment of the retention window", () => {
  it("X5 comes back with the heartbeat of that moment", async () => {
    // A lab of minutes has WAL of minutes.
    const { code, output, metrics } = await trial({
      args: ["--target-time", "random"],
      env: { TARGET_MARGIN_SECONDS: 90 },
    });
    expect(code, output).toBe(0);
    expectOutcome(metrics, "pass", "pitr_outcome");
    expect(output).toMatch(/^ok +heartbeat .* s before the target, none after it$/m);
    const at = metric(metrics, "backup_drill_pitr_target_timestamp_seconds");
    expect(at).toBeLessThan(Date.now() / 1000 - 60);
    expect(metric(metrics, "backup_drill_pitr_rpo_seconds")).toBeLessThanOrEqual(180);
  });
});

describe("a copy that starts and answers, and is not well", () => {
  let made: string[] = [];
  const tables = ["drill_page", "drill_index", "drill_rows"];

  beforeAll(async () => {
    const before = await labels(node);
    for (const table of tables)
      await sql(
        node,
        `CREATE TABLE ${table} AS SELECT n AS id, repeat('x', 100) AS text FROM generate_series(1, 500) n`,
      );
    await sql(node, "CREATE INDEX drill_index_id ON drill_index (id)");
    // Or the first scan, the backup's own count of rows, marks the rows as committed and writes the page anew.
    await sql(node, "VACUUM (FREEZE) drill_page");
    await sql(node, "CHECKPOINT", "postgres");
    // On the disk only, behind the server's back: the backup reads it there.
    const file = await sql(
      node,
      "SELECT current_setting('data_directory') || '/' || pg_relation_filepath('drill_page')",
    );
    await must(node, `printf damaged | dd of=${file} bs=1 seek=5000 conv=notrunc status=none`);
    await must(node, "systemctl start pgbackrest-diff.service");
    made = (await labels(node)).filter((label) => !before.includes(label));
    expect(made).toHaveLength(1);
  });

  afterAll(async () => {
    for (const table of tables) await sql(node, `DROP TABLE IF EXISTS ${table}`);
    await archive(node);
    for (const label of made) await must(node, asPostgres(`pgbackrest --stanza=main --repo=1 --set=${label} expire`));
  });

  it("X4 a damaged page, by its checksum alone", async () => {
    const result = await trial({ env: { DEPTH_AMCHECK: 0, DEPTH_DUMP: 0, ROWS_COMPARE: 0 } });
    expectFailed(result, "checksum_failed");
    await sql(node, "DROP TABLE drill_page");
  });

  it("X4 an index that lacks a row", async () => {
    // Nothing is broken on any disk: rows written while the index was not ready are not in it.
    await sql(
      node,
      `SET allow_system_table_mods = on;
UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = 'drill_index_id'::regclass;
INSERT INTO drill_index SELECT n, 'y' FROM generate_series(501, 600) n;
UPDATE pg_index SET indisready = true, indisvalid = true WHERE indexrelid = 'drill_index_id'::regclass;`,
    );
    await archive(node);
    const result = await trial({ env: { ROWS_COMPARE: 0 } });
    expectFailed(result, "corrupted_relation");
    expect(result.output).toContain("drill_index_id");
    await sql(node, "DROP INDEX drill_index_id");
  });

  it("X3 a table that had rows at the backup and is empty now; nothing else is wrong", async () => {
    await sql(node, "TRUNCATE drill_rows");
    await archive(node);
    const result = await trial({ env: { ROWS_IGNORE: "app.public.drill_page" } });
    expectFailed(result, "rows_lost");
    expect(result.output).toContain("table public.drill_rows has 0 rows, it had 500");
    expect(result.output).toMatch(/^ok +amcheck /m);
    expect(result.output).toMatch(/^ok +dump /m);
  });
});

describe("X1 the repository before and after", () => {
  it("an object that is altered meanwhile fails the drill", async () => {
    const find = `cd ${store.data} && find pgbackrest/archive/main -type f -name '0000*-*' | sort | head -n 1`;
    const file = `${store.data}/${await must(store.container, find)}`;
    await must(store.container, `touch -r ${file} /root/time`);
    const running = await start();
    await running.reached("inventory");
    await must(store.container, `touch ${file}`);
    try {
      const { code, output } = await running.ended;
      expect(code, output).toBe(1);
      expect(output).toContain("repository_changed");
    } finally {
      await must(store.container, `touch -r /root/time ${file} && rm /root/time`);
    }
  });

  it("off site, the reader key is refused to write and to delete; one that may is a failed drill", async () => {
    const args = ["--repo", "2"];
    const reader = await trial({ args });
    expect(reader.code, reader.output).toBe(0);
    expect(reader.output).toContain("the key may neither write nor delete");
    const writer = await must(node, "grep '^repo2-s3-key' /etc/pgbackrest/conf.d/secrets.conf");
    const keys = "/run/restorable-trial-writer";
    await must(world.host.name, `umask 077; cat >${keys}`, `${writer}\n`);
    try {
      const result = await trial({
        args,
        alter: `sed -i /^repo2-s3-key/d secrets.repo2.conf; cat ${keys} >>secrets.repo2.conf`,
      });
      expect(result.code, result.output).toBe(1);
      expect(result.output).toContain("reader_can_write");
    } finally {
      await inside(world.host.name, `rm -f ${keys}`);
    }
  });
});
