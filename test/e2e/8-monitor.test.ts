import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { incus, inside, kept, must, primary, pulumi, runLab, sql, touched, up, waitFor, world } from "./lab.js";

const monitor = "pgaf-monitor";
const asPostgres = (command: string) => `cd /; runuser -u postgres -- ${command}`;
const other = (node: string) => (node === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary");

/** Writes a numbered row every 0.1 s at the formation's address; notes each that was acknowledged, and when. */
const client = `#!/bin/bash
number=0
while :; do
  number=$((number + 1))
  timeout 20 psql -X -qAt -d "$(cat /run/client/uri)&sslrootcert=/etc/restorable/tls/ca.crt" -c \\
    "INSERT INTO monitor_lost (number) VALUES ($number) RETURNING number || ' ' || extract(epoch FROM clock_timestamp())" \\
    >>/run/client/written 2>>/run/client/errors
  sleep 0.1
done
`;

interface Row {
  number: number;
  time: number;
}

const sqlOnMonitor = (statement: string): Promise<string> => sql(monitor, statement, "pg_auto_failover");
const roles = () =>
  sqlOnMonitor(
    "SELECT string_agg(nodename || ' ' || reportedstate || ' ' || goalstate, ',' ORDER BY nodename) FROM pgautofailover.node",
  );
const whole = (first: string, second: string) => async () =>
  (await roles()) ===
  [`${first} primary primary`, `${second} secondary secondary`].sort((a, b) => (a < b ? -1 : 1)).join(",");
const started = (node: string) => sql(node, "SELECT pg_postmaster_start_time()", "postgres");
const syncState = (node: string) =>
  sql(node, "SELECT coalesce(string_agg(sync_state, ','), 'none') FROM pg_stat_replication", "postgres");
/** Resources that must be touched when the monitor has gone. */
const remade = [
  `${monitor}-container`,
  `${monitor}-monitor`,
  "pgaf-primary-node",
  "pgaf-replica-node",
  "pgaf-primary-attached",
  "pgaf-replica-attached",
  "formation-policy",
];
const numberSyncStandbys = () => sqlOnMonitor("SELECT number_sync_standbys FROM pgautofailover.formation");

describe("the monitor is lost", () => {
  let writer: string;
  let standby: string;
  let before: { kept: Awaited<ReturnType<typeof kept>>; number: string; startTimes: string[]; identity: string };
  const startTimes = async () => [await started(writer), await started(standby)];
  const identity = () => sql(monitor, "SELECT system_identifier FROM pg_control_system()", "postgres");
  const written = async (): Promise<Row[]> =>
    (await must(standby, "cat /run/client/written"))
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" ").map(Number))
      .map(([number = 0, time = 0]) => ({ number, time }));

  beforeAll(async () => {
    writer = await primary();
    standby = other(writer);
    await waitFor("the formation is whole", 90, whole(writer, standby));
    before = {
      kept: await kept(),
      number: await numberSyncStandbys(),
      startTimes: await startTimes(),
      identity: await identity(),
    };
    await must(writer, "systemctl start restorable-monitor-copy.service");
    await sql(
      writer,
      "DROP TABLE IF EXISTS monitor_lost; CREATE TABLE monitor_lost (number bigint PRIMARY KEY); ALTER TABLE monitor_lost OWNER TO app",
    );
  });

  afterAll(async () => {
    await inside(standby, "systemctl stop client; rm -rf /run/client");
    await sql(await primary(), "DROP TABLE IF EXISTS monitor_lost");
  });

  it("is made anew by one update, while writes go on and no node's Postgres is promoted", async () => {
    const { formationUri } = JSON.parse((await runLab("outputs", ["--show-secrets"])).stdout) as Record<string, string>;
    await must(standby, "install -d -m 0700 /run/client; umask 077; cat >/run/client/uri", formationUri);
    await must(standby, "cat >/run/client/run; chmod 0700 /run/client/run; : >/run/client/written", client);
    await must(standby, "systemd-run -q --collect --unit=client --property=KillSignal=SIGKILL /run/client/run");
    await waitFor("the client writes", 30, async () => (await written()).length > 3);

    expect((await incus("delete", "--force", monitor)).code).toBe(0);
    expect((await incus("storage", "volume", "delete", world.incusProject, `${monitor}-data`)).code).toBe(0);
    const alone = (await written()).length;
    await waitFor("writes without a monitor", 30, async () => (await written()).length > alone + 10);

    const preview = await pulumi(["preview"]);
    expect(preview.code, preview.output).toBe(0);
    expect(touched(preview.output)).toEqual(expect.arrayContaining(remade));
    const began = Date.now();
    const { code, output } = await up();
    expect(code, output).toBe(0);
    console.log(`monitor: made anew in ${((Date.now() - began) / 1000).toFixed(1)} s`);
    expect(touched(output)).toEqual(touched(preview.output));
    expect(await identity()).not.toBe(before.identity);
    await waitFor("the formation is whole", 60, whole(writer, standby));
  });

  it("the primary's Postgres never stopped, and the standby is synchronous again", async () => {
    expect(await primary()).toBe(writer);
    expect((await startTimes())[0]).toBe(before.startTimes[0]);
    console.log(
      `monitor: the standby's Postgres ${(await startTimes())[1] === before.startTimes[1] ? "went on" : "was restarted once"}`,
    );
    await waitFor("the standby is synchronous", 30, async () => /^(sync|quorum)$/.test(await syncState(writer)));
    expect(await numberSyncStandbys()).toBe(before.number);
    expect(
      await sqlOnMonitor("SELECT bool_and(replicationquorum AND candidatepriority = 50) FROM pgautofailover.node"),
    ).toBe("t");
  });

  it("every acknowledged row is there, on both nodes", async () => {
    await must(standby, "systemctl stop client");
    const rows = await written();
    const gap = Math.max(...rows.slice(1).map(({ time }, index) => time - (rows[index]?.time ?? time)));
    console.log(`monitor: ${rows.length} rows written meanwhile, longest gap ${gap.toFixed(1)} s`);
    expect(gap).toBeLessThan(15);
    const lsn = await sql(writer, "SELECT pg_current_wal_lsn()", "postgres");
    await waitFor(
      "the standby has replayed",
      30,
      async () => (await sql(standby, `SELECT pg_last_wal_replay_lsn() >= '${lsn}'`, "postgres")) === "t",
    );
    const acknowledged = rows.map(({ number }) => `(${number})`).join(",");
    for (const node of [writer, standby]) {
      const missing = await sql(
        node,
        `SELECT count(*) FROM (VALUES ${acknowledged}) AS said (number) WHERE NOT EXISTS (SELECT FROM monitor_lost WHERE monitor_lost.number = said.number)`,
      );
      expect(missing, node).toBe("0");
    }
    expect((await kept()).users).toBe(before.kept.users);
  });

  it("its history from before is in the formation's database, that of the new one beside it", async () => {
    await must(writer, "systemctl start restorable-monitor-copy.service");
    const said = await sql(
      writer,
      `SELECT count(*) FILTER (WHERE monitor = ${before.identity}) > 0, count(*) FILTER (WHERE monitor = ${await identity()}) > 0 FROM restorable.monitor_event`,
    );
    expect(said).toBe("t|t");
    const state = await sql(
      writer,
      "SELECT now() - seen < '1 minute', jsonb_array_length(state->'nodes'), state->'formations'->0->>'number_sync_standbys' FROM restorable.monitor_state ORDER BY seen DESC LIMIT 1",
    );
    expect(state).toBe(`t|2|${before.number}`);
  });

  it("the next update has nothing to do", async () => {
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect(touched(output)).toEqual([]);
  });

  it("a switchover through the new monitor works", async () => {
    await waitFor("the formation is whole", 90, whole(writer, standby));
    const command = "pg_autoctl perform switchover --pgdata /var/lib/postgresql/17/pgaf/monitor";
    const { code, output } = await inside(monitor, asPostgres(command));
    expect(code, output).toBe(0);
    await waitFor("the standby is the primary", 90, whole(standby, writer));
    await must(standby, asPostgres("pgbackrest --stanza=main check"));
  });
});
