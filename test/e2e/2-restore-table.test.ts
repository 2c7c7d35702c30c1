import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { incus, inside, must, primary, sql, waitFor, world } from "./lab.js";
import { archive } from "./trial.js";

const host = world.host.name;
let node = "";
let moment = "";
let before = "";

const md5 = (table: string) => sql(node, `SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM ${table} t`);
const restore = (words: string) => inside(host, `restore-table.sh ${words}`);
const containers = async () => (await incus("list", "^pg-restore-drill-table", "-f", "csv", "-c", "n")).stdout.trim();

beforeAll(async () => {
  node = await primary();
  await sql(
    node,
    `DROP TABLE IF EXISTS ledger, ledger_restored;
CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner bigint NOT NULL REFERENCES users (id),
  note text UNIQUE, amount numeric CHECK (amount > 0));
ALTER TABLE ledger OWNER TO app;
CREATE INDEX ledger_amount ON ledger (amount);
COMMENT ON TABLE ledger IS 'what was lost';
INSERT INTO ledger (owner, note, amount) SELECT (SELECT min(id) FROM users), 'note ' || n, n FROM generate_series(1, 5000) n;`,
  );
  before = await md5("ledger");
  moment = await sql(node, "SELECT clock_timestamp() AT TIME ZONE 'UTC'");
  await sql(node, "DELETE FROM ledger WHERE id % 2 = 0; DROP TABLE ledger");
  await archive(node);
});
afterAll(async () => {
  await sql(node, "DROP TABLE IF EXISTS ledger, ledger_restored");
  await inside(host, "rm -rf /root/trial.*");
});

describe("X15 one dropped table", () => {
  it("is back as it was at the moment before, under another name, with all that is its own", async () => {
    const { code, output, stdout } = await restore(
      `--table public.ledger --target-time '${moment}' --into public.ledger_restored`,
    );
    expect(code, output).toBe(0);
    expect(await md5("ledger_restored")).toBe(before);
    expect(
      await sql(
        node,
        "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'ledger_restored'",
      ),
    ).toBe("ledger_restored_amount ledger_restored_note_key ledger_restored_pkey");
    expect(await sql(node, "SELECT tableowner FROM pg_tables WHERE tablename = 'ledger_restored'")).toBe("app");
    expect(await sql(node, "SELECT obj_description('ledger_restored'::regclass)")).toBe("what was lost");
    // A recovery may skip up to 32 values of a sequence, never go back: they are logged ahead.
    const next = Number(
      await sql(node, "INSERT INTO ledger_restored (owner, note, amount) VALUES (0, 'next', 1) RETURNING id"),
    );
    expect(next).toBeGreaterThan(5000);
    expect(next).toBeLessThanOrEqual(5033);
    // Left to a person, as a statement that can be run.
    expect(stdout).toMatch(/ALTER TABLE ONLY public\.ledger_restored\s+ADD CONSTRAINT \w+ FOREIGN KEY \(owner\)/);
    expect(await containers()).toBe("");
  });

  it("a name that is taken is refused before anything is restored, and nothing happens to it", async () => {
    const { code, output } = await restore(
      `--table public.ledger --target-time '${moment}' --into public.ledger_restored`,
    );
    expect(code, output).toBe(3);
    expect(output).toContain("--replace");
    expect(output).not.toContain("launch");
    expect(await sql(node, "SELECT count(*) FROM ledger_restored")).toBe("5001");
    const unconfirmed = await restore(`--table public.ledger --into public.ledger_restored --replace </dev/null`);
    expect(unconfirmed.code, unconfirmed.output).toBe(3);
    expect(unconfirmed.output).toContain("--yes");
  });

  it("a time before the oldest backup is named, and no container stays", async () => {
    const { code, output } = await restore(
      "--table public.ledger --target-time '2001-01-01' --output /root/trial.dump",
    );
    expect(code, output).toBe(1);
    expect(output).toContain("the oldest backup");
    expect(await containers()).toBe("");
  });

  it("ended by a signal in the middle of the restore it leaves nothing", async () => {
    const run = inside(
      host,
      "exec restore-table.sh --database app --into app_restored 2>/root/trial.log & echo $! >/root/trial.pid; wait $!",
    );
    await waitFor(
      "the restore",
      120,
      async () => (await inside(host, "grep -q '^ok *disk' /root/trial.log")).code === 0,
    );
    await must(host, "kill -TERM $(cat /root/trial.pid)");
    expect((await run).code).toBe(2);
    expect(await containers()).toBe("");
    expect(
      await sql(node, "SELECT count(*) FROM pg_database WHERE datname LIKE 'restoring%' OR datname = 'app_restored'"),
    ).toBe("0");
  });
});
