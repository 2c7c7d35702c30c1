import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { incus, inside, metric, metricsDirectory, must, primary, type Result, sql, waitFor, world } from "./lab.js";

const host = world.host.name;
const bucket = `${world.incusProject}-offsite`;
const store = { container: "offsite-store", exports: `/var/lib/object-store/data/${bucket}/exports` };
const job = "/usr/local/lib/restorable/export/export.sh";
/** Database of these tests alone, so that the lab's own exports stay as they were. */
const trial = "export_trial";
const folder = "/run/restorable-exports-trial";

let node = "";
beforeAll(async () => {
  node = await primary();
  await sql(node, "DROP DATABASE IF EXISTS app_copy WITH (FORCE)", "postgres");
});
afterAll(async () => {
  await inside(store.container, `systemctl start versitygw; rm -rf ${store.exports}/${trial}`);
  await inside(host, `rm -rf ${folder} /root/trial.*`);
  await inside(node, `rm -rf /tmp/export-trial; rm -f ${metricsDirectory}/restorable_exports.prom`);
  for (const name of [trial, "app_copy"])
    await sql(node, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`, "postgres").catch(() => "");
  // The figures of the lab's own exports again.
  await must(node, "systemctl start restorable-export.service");
});

const asPostgres = (command: string, env = "") => inside(node, `cd /; runuser -u postgres -- env ${env} ${command}`);
/** With the node's own key: the store's files are there even when they are hidden. */
const listed = async (database: string, more = "") =>
  (
    await asPostgres(
      `rclone --config /etc/restorable/exports/rclone.conf --ca-cert /etc/restorable/exports/store-ca.crt lsf ${more} exports:${bucket}/exports/${database}`,
    )
  ).stdout
    .split("\n")
    .filter(Boolean);
const objects = (database: string) => listed(database);
const sealed = async (database: string) => (await objects(database)).filter((name) => name.endsWith(".sha256"));
const figures = () => must(node, `cat ${metricsDirectory}/restorable_exports.prom`);
const md5 = (database: string) =>
  sql(node, "SELECT md5(string_agg(u::text, E'\\n' ORDER BY id)) FROM users u", database);

describe("exports", () => {
  it("each database and the roles: sealed, encrypted, by the timer's own service", async () => {
    await must(node, "systemctl start restorable-export.service");
    for (const database of ["app", "postgres", "@globals"]) {
      expect((await sealed(database)).length, database).toBeGreaterThan(0);
      expect(metric(await figures(), "export_failed", `"${database}"`)).toBe(0);
      expect(metric(await figures(), "export_last_success_timestamp_seconds", `"${database}"`)).toBeGreaterThan(0);
    }
    const [newest = ""] = (await sealed("app")).slice(-1);
    const dump = newest.replace(/\.sha256$/, "");
    expect(await must(store.container, `head -c 21 ${store.exports}/app/${dump}`)).toBe("age-encryption.org/v1");
    expect(await must(store.container, `cd ${store.exports}/app && sha256sum --check --strict ${newest}`)).toContain(
      "OK",
    );
    expect(await must(store.container, `stat -c %s ${store.exports}/app/${dump}`)).toBe(
      String(metric(await figures(), "export_size_bytes", '"app"')),
    );
  });

  it("P6 a data node has public keys only, and its key of the bucket for nobody else to read", async () => {
    expect(await must(node, "stat -c '%a %U' /etc/restorable/exports/rclone.conf")).toBe("600 postgres");
    expect(await must(node, "cat /etc/restorable/exports/recipients")).toMatch(/^age1\w{58}$/);
    expect((await inside(node, "grep -rl AGE-SECRET-KEY /etc /usr/local /var/lib/restorable")).stdout).toBe("");
    expect(await must(host, "stat -c '%a %U' /etc/restorable/exports/identity")).toBe("600 root");
  });

  it("the standby makes none", async () => {
    const standby = node === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary";
    const { code, stdout } = await inside(standby, `cd /; runuser -u postgres -- ${job}`);
    expect(code).toBe(0);
    expect(stdout).toContain("standby: the primary makes the exports");
  });
});

describe("an export that breaks off", () => {
  const run = (retentionDays: number) =>
    asPostgres(
      `${job} ${trial}`,
      `RESTORABLE_EXPORTS_ENV=/tmp/export-trial/exports.env TRIAL_DAYS=${retentionDays} STORE_RETRIES=1 PATH=/tmp/export-trial/bin:$PATH`,
    );

  beforeAll(async () => {
    await sql(node, `CREATE DATABASE ${trial}`, "postgres");
    await sql(
      node,
      "CREATE TABLE noise AS SELECT n, (SELECT string_agg(md5(random()::text || m || n), '') FROM generate_series(1, 32) m) AS text FROM generate_series(1, 40000) n",
      trial,
    );
    await must(
      node,
      `mkdir -p /tmp/export-trial/bin; { cat /etc/restorable/exports.env; echo 'RETENTION_DAYS=$TRIAL_DAYS'; echo METRICS_DIRECTORY=/tmp/export-trial; } >/tmp/export-trial/exports.env
chown -R postgres /tmp/export-trial`,
    );
  });

  it("the store goes down in mid-upload: no object, said, and nothing older touched", async () => {
    const first = await run(30);
    expect(first.code, first.output).toBe(0);
    const before = await objects(trial);
    expect(before).toHaveLength(3);
    // Stands still after the first parts, until it is told to go on.
    await must(
      node,
      `cat >/tmp/export-trial/bin/age <<'AGE'
#!/bin/bash
/usr/bin/age "$@" | { head -c 12000000; : >/tmp/export-trial/halted; until [ -e /tmp/export-trial/go ]; do sleep 0.1; done; cat; }
AGE
chmod 755 /tmp/export-trial/bin/age; rm -f /tmp/export-trial/{halted,go}`,
    );
    const cut = run(0);
    await waitFor(
      "the upload in its middle",
      60,
      async () => (await inside(node, "test -e /tmp/export-trial/halted")).code === 0,
    );
    await must(store.container, "systemctl stop versitygw");
    await must(node, "touch /tmp/export-trial/go");
    const { code, output } = await cut;
    await must(store.container, "systemctl start versitygw");
    expect(code, output).toBe(1);
    expect(output).toContain(`failed: ${trial};`);
    expect(await objects(trial)).toEqual(before);
    expect(metric(await must(node, "cat /tmp/export-trial/restorable_exports.prom"), "export_failed", trial)).toBe(1);
  });

  it("the dump is ended in mid-upload: no object", async () => {
    const before = await objects(trial);
    await must(node, "rm -f /tmp/export-trial/{halted,go}");
    const cut = run(0);
    await waitFor(
      "the upload in its middle",
      60,
      async () => (await inside(node, "test -e /tmp/export-trial/halted")).code === 0,
    );
    await sql(
      node,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'",
      "postgres",
    );
    await must(node, "touch /tmp/export-trial/go");
    const { code, output } = await cut;
    expect(code, output).toBe(1);
    expect(await objects(trial)).toEqual(before);
  });

  it("prunes after a good one only, never that one, and hides rather than destroys", async () => {
    await must(node, "rm -f /tmp/export-trial/bin/age");
    const before = await objects(trial);
    const { code, output } = await run(0);
    expect(code, output).toBe(0);
    expect(output).toContain("hidden");
    const after = await objects(trial);
    expect(after).toHaveLength(3);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
    // With the key of the node: the older versions are still there to be had.
    const versions = (await listed(trial, "--s3-versions")).join(" ");
    expect(versions).toContain(before[0]?.slice(0, 16));
  });
});

describe("drill and restore", () => {
  /** The drill on settings of its own: the lab's metrics stay as they are. */
  const drill = async (alter = ":"): Promise<Result & { metrics: string }> => {
    await must(
      host,
      `set -e; umask 077; rm -rf ${folder}; mkdir -p ${folder}/metrics; cp -a /etc/restorable/exports ${folder}/exports
{ cat /etc/restorable/restore.env; echo METRICS_DIR=${folder}/metrics; echo EXPORTS_DIR=${folder}/exports; } >${folder}/restore.env
cd ${folder}/exports; ${alter}`,
    );
    const result = await inside(host, `export-drill.sh --config ${folder}/restore.env --database app`);
    return { ...result, metrics: (await inside(host, `cat ${folder}/metrics/*.prom`)).stdout };
  };
  const restore = (words: string) => inside(host, `restore-export.sh ${words}`);

  it("the newest of each database, with the reader's key: every row that was dumped", async () => {
    const { code, output, metrics } = await drill();
    expect(code, output).toBe(0);
    expect(metric(metrics, "export_drill_last_success", '"app"')).toBe(1);
    expect(metric(metrics, "export_drill_outcome", '"app",outcome="pass"')).toBe(1);
    expect(metric(metrics, "export_drill_rows", '"app"')).toBeGreaterThanOrEqual(1000);
    expect((await incus("list", "^pg-restore-drill", "-f", "csv", "-c", "n")).stdout.trim()).toBe("");
  });

  it("another identity opens nothing", async () => {
    const { code, output, metrics } = await drill(
      `printf 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\\n' >identity`,
    );
    expect(code, output).toBe(1);
    expect(output).toContain("wrong_key");
    expect(metric(metrics, "export_drill_last_success", 'reason="wrong_key"')).toBe(0);
  });

  it("an object that was truncated at the destination is found", async () => {
    const [seal = ""] = (await sealed("app")).slice(-1);
    const object = `${store.exports}/app/${seal.replace(/\.sha256$/, "")}`;
    await must(store.container, `cp -a ${object} /root/whole && truncate -s -100 ${object}`);
    try {
      const { code, output, metrics } = await drill();
      expect(code, output).toBe(1);
      expect(metric(metrics, "export_drill_last_success", 'reason="corrupted_export"'), output).toBe(0);
    } finally {
      await must(store.container, `cat /root/whole >${object} && rm /root/whole`);
    }
  });

  it("one command restores it beside the living database, and over it only when told", async () => {
    await must(node, "systemctl start restorable-export.service");
    const { code, output } = await restore("--database app --into app_copy");
    expect(code, output).toBe(0);
    expect(await md5("app_copy")).toBe(await md5("app"));
    expect(await sql(node, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app_copy'")).toBe("app");
    const again = await restore("--database app --into app_copy");
    expect(again.code, again.output).toBe(3);
    expect(again.output).toContain("--replace");
    const file = await restore("--database app --output /root/trial.dump");
    expect(file.code, file.output).toBe(0);
    expect(await must(host, "stat -c '%a' /root/trial.dump; head -c 5 /root/trial.dump")).toBe("600\nPGDMP");
  });
});
