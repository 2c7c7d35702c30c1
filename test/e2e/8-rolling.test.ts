import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Change,
  containers,
  drill,
  incus,
  kept,
  must,
  primary,
  pulumi,
  runLab,
  sql,
  up,
  waitFor,
  world,
} from "./lab.js";

const client = "rolling-client";
const members = ["pgaf-monitor", "pgaf-primary", "pgaf-replica"];
const asPostgres = (command: string) => `cd /; runuser -u postgres -- ${command}`;

const revised: Change = (config) => {
  config["restorable:packages"] = { revision: "rolled" };
};

/** One connection for as long as it holds, then the next: as an application's pool does. */
const writer = `#!/bin/bash
while :; do
  psql -X -qAt -d "$(cat /run/client/uri)&sslrootcert=/run/client/ca.crt" >>/run/client/written 2>>/run/client/errors <<'SQL'
INSERT INTO users (email) SELECT format('rolling-%s@example.org', gen_random_uuid()) RETURNING extract(epoch FROM clock_timestamp()) \\watch 0.1
SQL
  sleep 0.1
done
`;

const written = async (): Promise<number[]> =>
  (await must(client, "cat /run/client/written")).split("\n").filter(Boolean).map(Number);

const other = (node: string) => (node === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary");
const images = async () =>
  (await incus("image", "alias", "list", "-f", "csv")).stdout
    .split("\n")
    .map((line) => line.split(",")[0] ?? "")
    .filter((alias) => alias.startsWith("restorable-pg"));
const imageOf = async (name: string) => (await incus("config", "get", name, "user.restorable.image")).stdout.trim();
const uuidOf = async (name: string) => (await incus("config", "get", name, "volatile.uuid")).stdout.trim();
const identifier = (node: string) => sql(node, "SELECT system_identifier FROM pg_control_system()", "postgres");
const timeline = async (node: string) =>
  Number.parseInt((await sql(node, "SELECT pg_walfile_name(pg_current_wal_lsn())", "postgres")).slice(0, 8), 16);
const whole = async () => {
  const states = await sql(
    "pgaf-monitor",
    "SELECT string_agg(reportedstate || '/' || goalstate || '/' || health, ' ' ORDER BY reportedstate::text) FROM pgautofailover.node",
    "pg_auto_failover",
  );
  return states === "primary/primary/1 secondary/secondary/1";
};

describe("X13 rolling replacement", () => {
  let image: string;
  let before: { primary: string; kept: Awaited<ReturnType<typeof kept>>; timeline: number; identifier: string };

  beforeAll(async () => {
    await waitFor("the formation is whole", 60, whole);
    const node = await primary();
    image = await imageOf(node);
    before = { primary: node, kept: await kept(), timeline: await timeline(node), identifier: await identifier(node) };
    expect((await incus("launch", image, client, "--network", world.bridge, "--storage", world.pool)).code).toBe(0);
    await waitFor("the client has an address", 60, async () => (await must(client, "hostname -I")).includes("."));
  });

  afterAll(async () => {
    await incus("delete", "--force", client);
  });

  it("is refused without a healthy synchronous peer: the reason is said, no container is touched", async () => {
    const standing = await containers();
    const standby = other(before.primary);
    await must(standby, "systemctl stop pg_autoctl.service");
    try {
      const { code, output } = await up(revised);
      expect(code, output).not.toBe(0);
      expect(output).toMatch(
        new RegExp(`refused: node ${standby} (is not healthy|has not reported)|refused: .*no standby`),
      );
      expect(output).toMatch(
        /container pgaf-monitor is not replaced by one of image restorable-pg\S+ .*nothing was changed/,
      );
    } finally {
      await must(standby, "systemctl start pg_autoctl.service");
    }
    expect(await containers()).toEqual(standing);
    expect(await images()).toContain(image);
    await waitFor("the formation is whole again", 90, whole);
    expect(await primary()).toBe(before.primary);
  });

  it("a preview shows the image of each container that will be replaced", async () => {
    const { code, output } = await pulumi(["preview", "--diff"], revised);
    expect(code, output).toBe(0);
    for (const name of members) expect(output).toContain(`${name}-container`);
    expect(output).toContain(image);
  });

  it("replaces monitor, standby and primary under writes: one switchover, nothing lost, data volumes kept", async () => {
    const { formationUri, caCertificate } = JSON.parse((await runLab("outputs", ["--show-secrets"])).stdout) as Record<
      string,
      string
    >;
    await must(client, "install -d -m 0700 /run/client; umask 077; cat >/run/client/uri", formationUri);
    await must(client, "cat >/run/client/ca.crt", caCertificate);
    await must(client, "cat >/run/client/run; chmod 0700 /run/client/run; : >/run/client/written", writer);
    await must(client, "systemd-run -q --unit=writer --property=KillSignal=SIGKILL /run/client/run");
    await waitFor("the client writes", 30, async () => (await written()).length > 3);
    const uuids = await Promise.all(members.map(uuidOf));

    const started = Date.now();
    const replaced: string[] = [];
    const { code, output } = await up(revised, (line) => {
      const [, name] = /command:remote:Command (\S+)-container updated/.exec(line) ?? [];
      if (name) replaced.push(name);
    });
    expect(code, output).toBe(0);
    expect(replaced).toEqual(["pgaf-monitor", other(before.primary), before.primary]);
    await must(client, "sleep 1; systemctl stop writer");
    const times = await written();
    const gap = Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)));
    console.log(
      `rolling replacement: ${((Date.now() - started) / 1000).toFixed(0)} s in all; a client of the multi-host URI could not write for ${gap.toFixed(1)} s`,
    );
    expect(gap).toBeLessThan(15);
    expect(times.at(-1)).toBeGreaterThan(Date.now() / 1000 - 10);

    for (const [index, name] of members.entries()) {
      expect(await uuidOf(name)).not.toBe(uuids[index]);
      expect(await imageOf(name)).not.toBe(image);
    }
    expect(await images()).toEqual([await imageOf("pgaf-monitor")]);
    expect(await waitFor("the formation is whole", 60, whole)).toBeUndefined();
    expect(await primary()).toBe(other(before.primary));
    expect(await timeline(other(before.primary))).toBe(before.timeline + 1);
    for (const node of members.slice(1)) expect(await identifier(node)).toBe(before.identifier);
    const now = await kept();
    expect(now.users).toBeGreaterThanOrEqual(before.kept.users + times.length);
    expect(now.backups).toEqual(expect.arrayContaining(before.kept.backups));
    await must(await primary(), asPostgres("pgbackrest --stanza=main check"));
  });

  it("run again, changes nothing", async () => {
    const { code, output } = await pulumi(["preview", "--expect-no-changes"], revised);
    expect(code, output).toBe(0);
  });

  it("the drill passes, from the new image", async () => {
    await sql(await primary(), "DELETE FROM users WHERE email LIKE 'rolling-%'");
    const { code, output } = await drill();
    expect(code, output).toBe(0);
    expect(output).not.toContain("is missing");
  });
});
