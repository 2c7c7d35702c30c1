import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { generateIdentity } from "age-encryption";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { samples } from "../../lab/kubernetes/samples.js";
import { get, kubectl, root } from "./cluster.js";
import { ended, k8sDrill, killJob, runJob, sql, startJob, withEnv, withRoom } from "./dumps/jobs.js";
import { type Places, startPlaces } from "./dumps/places.js";
import { type Program, prepareProgram } from "./dumps/program.js";

let places: Places;
let program: Program;
const drillNamespace = "restorable-drill";
const orders = `namespace="shop",source="orders",database="orders"`;
const folder = (name: string) => join(places.objects, "kubernetes", name);
/** Times of the complete dumps of a name, the oldest first. */
const sealed = (name: string): string[] =>
  existsSync(folder(name))
    ? readdirSync(folder(name))
        .filter((file) => file.endsWith(".sha256"))
        .map((file) => file.slice(0, 16))
        .sort()
    : [];
const newest = (name: string): string => {
  const stamp = sealed(name).at(-1);
  if (!stamp) throw new Error(`no dump of ${name}`);
  return join(folder(name), stamp);
};
const dumpOrders = (alter?: Parameters<typeof runJob>[2]) => runJob("shop", "restorable-dump-orders", alter);

beforeAll(async () => {
  places = await startPlaces();
  program = await prepareProgram(places, await generateIdentity());
  await program.up();
});
afterAll(() => places?.stop());
afterEach(() => places.wire.mend());

describe("dumps of a cluster", () => {
  it("puts four databases into the bucket: sealed, encrypted, reported", async () => {
    const ends = await Promise.all(
      samples.map(({ namespace, database }) => runJob(namespace, `restorable-dump-${database}`)),
    );
    expect(ends.map(({ log, succeeded }) => (succeeded ? "" : log))).toEqual(samples.map(() => ""));
    for (const { namespace, name, database } of samples) {
      const [stamp] = sealed(database);
      expect(stamp, database).toBeDefined();
      const dump = readFileSync(join(folder(database), `${stamp}.dump.age`));
      expect(dump.subarray(0, 21).toString()).toBe("age-encryption.org/v1");
      const labels = `namespace="${namespace}",source="${name}",database="${database}"`;
      expect(await places.series("veza_cluster_dump_failed", labels)).toBe(0);
      expect(await places.series("veza_cluster_dump_size_bytes", labels)).toBe(dump.length);
      expect(await places.series("restorable_live_database", labels)).toBe(1);
      expect(
        await places.series("restorable_live_database", labels.replace(/database=.*/, 'database="postgres"')),
      ).toBe(1);
    }
  });

  it("P4: verifies them at the destination", async () => {
    const { code, output } = await k8sDrill("--cronjob", "cnpg-backup-verify");
    expect(code, output).toBe(0);
    expect(output.match(/^PASS /gm)).toHaveLength(samples.length);
    expect(await places.series("veza_cluster_verify_failed", orders)).toBe(0);
  });

  it("P5: restores them in the drill: every row, floors, amcheck", async () => {
    const { code, output } = await k8sDrill();
    expect(code, output).toBe(0);
    for (const { database, rows } of samples)
      expect(output).toMatch(new RegExp(`PASS +${database} +1 tables, ${rows} rows of .*; floor ${rows}`));
    expect(await places.series("veza_cluster_drill_last_success", orders)).toBe(1);
    expect(await places.series("veza_cluster_drill_rows", orders)).toBe(5000);
  });

  it("X10: tells the coverage ledger of every server, by an account that may only list", async () => {
    const { code, output } = await k8sDrill("--cronjob", "restorable-inventory");
    expect(code, output).toBe(0);
    for (const { namespace, name } of samples)
      expect(
        await places.series(
          "restorable_live_database",
          `place="kubernetes",namespace="${namespace}",source="${name}",database="(unknown)"`,
        ),
      ).toBe(1);
    expect(await places.series("restorable_live_timestamp_seconds", 'reporter="inventory"')).toBeGreaterThan(0);
    const may = (verb: string, what: string) =>
      kubectl([
        ...["auth", "can-i", verb, what, "--all-namespaces"],
        ...["--as", `system:serviceaccount:${drillNamespace}:restorable-inventory`],
      ]).then(
        (answer) => answer.trim(),
        () => "no",
      );
    expect(await may("list", "pods")).toBe("yes");
    for (const what of ["secrets", "configmaps"]) expect(await may("list", what), what).toBe("no");
    expect(await may("delete", "pods")).toBe("no");
  });

  it("holds no credential of a live database where it restores, nor the identity where it dumps", async () => {
    const secrets = async (namespace: string) =>
      JSON.parse(await kubectl(["-n", namespace, "get", "secrets", "-o", "json"])) as {
        items: { metadata: { name: string }; data: Record<string, string> }[];
      };
    const inDrill = await secrets(drillNamespace);
    expect(inDrill.items.map(({ metadata }) => metadata.name).sort()).toEqual([
      "restorable-identity",
      "restorable-reader",
    ]);
    const { items } = await secrets("shop");
    const text = items.flatMap(({ data }) => Object.values(data)).map((it) => Buffer.from(it, "base64").toString());
    expect(text.join()).not.toContain("AGE-SECRET-KEY");
  });

  it("P8: a second update has no changes, and a change previews as itself only", async () => {
    expect(await program.up()).toMatch(/unchanged\n(?!.*(?:created|updated|replaced|deleted))/);
    const preview = await program.pulumi(["preview", "--diff"], (settings) => {
      settings.retentionDays = 60;
    });
    expect(preview).toMatch(/ ~ 4 to update/);
    expect(preview).not.toMatch(/to (?:create|delete|replace)/);
    const changed = [...preview.matchAll(/^ +~ value *: (.*)$/gm)].map(([, change]) => change);
    expect(changed, preview).toEqual(samples.map(() => '"30" => "60"'));
  });

  it("takes the first looks of the runbooks, as written", async () => {
    const pages = readdirSync(join(root, "runbooks")).filter((name) => name.startsWith("cluster-"));
    expect(pages).toHaveLength(7);
    // A job's pods stay, but not those of a k8s-drill.sh that passed: the looks at their words need some.
    await runJob(drillNamespace, "cnpg-backup-verify", withEnv({ ONLY: "wiki" }));
    for (const page of pages) {
      const [, look = ""] =
        /## First look\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync(join(root, "runbooks", page), "utf8")) ?? [];
      const lines = look.trim().split("\n");
      expect(lines.length, page).toBeGreaterThan(0);
      for (const line of lines) expect(await kubectl(line.split(" ").slice(1)), line).not.toBe("");
    }
  });
});

describe("what goes wrong with a dump", () => {
  const failed = () => places.series("veza_cluster_dump_failed", orders);

  it("a key that is not valid", async () => {
    const before = sealed("orders");
    const secret = await get("shop", "secret/restorable-offcluster");
    const conf = Buffer.from(secret.data["rclone.conf"], "base64").toString();
    const patch = (text: string) =>
      kubectl([
        ...["-n", "shop", "patch", "secret", "restorable-offcluster", "--type=merge", "-p"],
        JSON.stringify({ data: { "rclone.conf": Buffer.from(text).toString("base64") } }),
      ]);
    await patch(conf.replace(/secret_access_key ?= ?.*/, "secret_access_key = another-secret-than-that"));
    try {
      const { code, log } = await dumpOrders();
      expect(code, log).toBe(1);
      expect(log).toMatch(/SignatureDoesNotMatch|403|AccessDenied/);
    } finally {
      await patch(conf);
    }
    expect(sealed("orders")).toEqual(before);
    expect(await failed()).toBe(1);
  });

  it("the reader's key cannot write", async () => {
    const { code, log } = await runJob(drillNamespace, "cnpg-backup-verify", (job) => {
      job.spec.template.spec.containers[0].command = [
        ...["bash", "-c", ". /opt/restorable/export/store.sh; RCLONE_FILE=/etc/restorable/store/rclone.conf"],
      ];
      job.spec.template.spec.containers[0].command[2] +=
        " STORE_CA=/etc/restorable/public/store-ca.crt; echo x | store rcat $EXPORTS_ROOT/x && exit 1; exit 0";
    });
    expect(code, log).toBe(0);
    expect(log).toMatch(/AccessDenied|403/);
  });

  it("a store that goes down in mid-upload, and one that stays down", async () => {
    await sql(
      "shop",
      "orders-0",
      "orders",
      "SET ROLE orders; CREATE TABLE ballast AS SELECT gen_random_uuid() id FROM generate_series(1, 200000)",
    );
    const before = sealed("orders");
    try {
      places.wire.cutAfter(1_000_000);
      const { code, log } = await dumpOrders(withEnv({ STORE_RETRIES: "1", STORE_TIMEOUT_SECONDS: "10" }));
      expect(code, log).toBe(1);
      expect(places.wire.isCut).toBe(true);
      expect(sealed("orders")).toEqual(before);
      expect(await failed()).toBe(1);
      const verify = await runJob(
        drillNamespace,
        "cnpg-backup-verify",
        withEnv({ STORE_RETRIES: "1", ONLY: "orders" }),
      );
      expect(verify.code, verify.log).toBe(2);
      expect(verify.log).toContain("UNVERIFIED");
      expect(await places.series("veza_cluster_verify_failed", orders)).toBe(0);
      expect(await places.series("veza_cluster_verify_outcome", `${orders},outcome="unverified"`)).toBe(1);
    } finally {
      places.wire.mend();
    }
    const again = await dumpOrders();
    expect(again.succeeded, again.log).toBe(true);
    expect(await failed()).toBe(0);
  });

  it("a pod that is ended half-way says so; one that is killed leaves a start without an end", async () => {
    const before = sealed("orders");
    for (const how of ["ended", "killed"]) {
      places.wire.slow(40_000);
      const name = await startJob("shop", "restorable-dump-orders");
      // More than requests about the dumps of before: the dump itself is on its way, for a minute or more.
      while (places.wire.passed < 200_000) await sleep(300);
      const started = Number(await places.series("veza_cluster_dump_last_start_timestamp_seconds", orders));
      if (how === "killed") await killJob("shop", name);
      else await kubectl(["-n", "shop", "delete", "pod", "-l", `job-name=${name}`, "--grace-period=30"]);
      places.wire.mend();
      const { succeeded } = await ended("shop", name);
      expect(succeeded).toBe(false);
      const end = Number(await places.series("veza_cluster_dump_last_end_timestamp_seconds", orders));
      if (how === "killed") expect(end).toBeLessThan(started);
      else expect([end >= started, await failed()]).toEqual([true, 1]);
      expect(sealed("orders")).toEqual(before);
    }
    const again = await dumpOrders();
    expect(again.succeeded, again.log).toBe(true);
    await sql("shop", "orders-0", "orders", "DROP TABLE ballast");
  });

  it("no space in the pod", async () => {
    const before = sealed("orders");
    const { code, log } = await dumpOrders(withRoom("4Ki"));
    expect(code, log).toBe(1);
    expect(sealed("orders")).toEqual(before);
    const drill = await runJob(drillNamespace, "restorable-drill", (job) => {
      withRoom("48Mi")(job);
      withEnv({ ONLY: "orders" })(job);
    });
    expect(drill.code, drill.log).toBe(2);
    expect(drill.log).toMatch(/UNVERIFIED +orders +disk_too_small/);
  });

  it("a database without the rows that are due, and a newest dump that is older than the retention", async () => {
    // All dumps of the name become one of long ago.
    const last = newest("crm");
    for (const file of readdirSync(folder("crm")).filter((name) => !join(folder("crm"), name).startsWith(last)))
      rmSync(join(folder("crm"), file));
    const long = "20260101T000000Z";
    for (const file of readdirSync(folder("crm"))) {
      const path = join(folder("crm"), file);
      renameSync(path, join(folder("crm"), file.replace(/^\d+T\d+Z/, long)));
    }
    const seal = join(folder("crm"), `${long}.dump.age.sha256`);
    writeFileSync(seal, readFileSync(seal, "utf8").replace(/\d{8}T\d{6}Z/g, long));
    await sql("crm", "customers-0", "crm", "CREATE TABLE kept AS SELECT * FROM customers; TRUNCATE customers");
    try {
      const { code, log } = await runJob("crm", "restorable-dump-crm");
      expect(code, log).toBe(1);
      expect(log).toContain("0 rows where at least 2000 are due");
      expect(sealed("crm")).toEqual([long]);
      const verify = await k8sDrill("--cronjob", "cnpg-backup-verify", "--database", "crm");
      expect(verify.code, verify.output).toBe(1);
      expect(verify.output).toContain("too_old");
    } finally {
      await sql(
        "crm",
        "customers-0",
        "crm",
        "INSERT INTO customers OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept",
      );
    }
    const drill = await k8sDrill("--database", "crm");
    expect(drill.code, drill.output).toBe(0);
    const again = await runJob("crm", "restorable-dump-crm");
    expect(again.succeeded, again.log).toBe(true);
    expect(sealed("crm")).not.toContain(long);
    expect(sealed("crm")).toHaveLength(1);
  });

  it("a dump that is truncated, or altered, at the destination", async () => {
    const path = `${newest("wiki")}.dump.age`;
    const whole = `${path}.whole`;
    copyFileSync(path, join(places.objects, "..", "whole"));
    truncateSync(path, 1000);
    const verify = await k8sDrill("--cronjob", "cnpg-backup-verify", "--database", "wiki");
    expect(verify.code, verify.output).toBe(1);
    expect(verify.output).toMatch(/FAIL +wiki +wrong_size/);
    const drill = await k8sDrill("--database", "wiki");
    expect(drill.code, drill.output).toBe(1);
    expect(drill.output).toMatch(/FAIL +wiki +corrupted_dump/);
    expect(await places.series("veza_cluster_drill_last_success", 'source="wiki-db"')).toBe(0);
    expect(existsSync(whole)).toBe(false);
    const bytes = readFileSync(join(places.objects, "..", "whole"));
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const altered = await k8sDrill("--cronjob", "cnpg-backup-verify", "--database", "wiki");
    expect(altered.code, altered.output).toBe(1);
    expect(altered.output).toMatch(/FAIL +wiki +wrong_checksum/);
    const again = await runJob("wiki", "restorable-dump-wiki");
    expect(again.succeeded, again.log).toBe(true);
    expect((await k8sDrill("--cronjob", "cnpg-backup-verify", "--database", "wiki")).code).toBe(0);
  });

  it("a server that is newer than pg_dump: refused with both versions, and not tried again", async () => {
    await kubectl([
      "-n",
      "shop",
      "create",
      "configmap",
      "old-client",
      "--from-literal=pg_dump=#!/bin/sh\necho 'pg_dump (PostgreSQL) 16.9'\n",
    ]);
    const { code, log } = await dumpOrders((job) => {
      const pod = job.spec.template.spec;
      pod.volumes.push({ name: "old", configMap: { name: "old-client", defaultMode: 0o555 } });
      pod.containers[0].volumeMounts.push({
        name: "old",
        mountPath: "/usr/lib/postgresql/17/bin/pg_dump",
        subPath: "pg_dump",
      });
      job.spec.backoffLimit = 2;
    });
    expect(code, log).toBe(2);
    expect(log).toContain("pg_dump 16 is older than the server, which is Postgres 17");
  });

  it("an identity that is not the dumps'", async () => {
    const secret = await get(drillNamespace, "secret/restorable-identity");
    const patch = (identity: string) =>
      kubectl([
        ...["-n", drillNamespace, "patch", "secret", "restorable-identity", "--type=merge", "-p"],
        JSON.stringify({ data: { identity } }),
      ]);
    await patch(Buffer.from(await generateIdentity()).toString("base64"));
    try {
      const { code, output } = await k8sDrill("--database", "forum");
      expect(code, output).toBe(1);
      expect(output).toMatch(/FAIL +forum +wrong_key/);
    } finally {
      await patch(secret.data.identity);
    }
  });
});

describe("P3: the archive of a CNPG cluster", () => {
  const owned = {
    apiVersion: "postgresql.cnpg.io/v1",
    kind: "Cluster",
    metadata: { name: "forum-db", namespace: "forum" },
    spec: { instances: 1, storage: { size: "1Gi" }, postgresql: { parameters: { work_mem: "8MB" } } },
  };
  const withArchive = (settings: { cnpg?: object[] }) => {
    settings.cnpg = [{ cluster: "forum-db", namespace: "forum", enabled: true }];
  };
  const base = () => join(places.objects, "kubernetes/cnpg/forum/forum-db");

  it("is accepted by the real definitions, and patches what it must of a Cluster that others own", async () => {
    await kubectl(["apply", "--server-side", "--field-manager=owner", "-f", "-"], JSON.stringify(owned));
    await program.up(withArchive);
    const cluster = await get("forum", "cluster.postgresql.cnpg.io/forum-db");
    expect(cluster.spec).toMatchObject(owned.spec);
    expect(cluster.spec.plugins).toMatchObject([
      {
        name: "barman-cloud.cloudnative-pg.io",
        isWALArchiver: true,
        parameters: { barmanObjectName: "forum-db-offcluster" },
      },
    ]);
    const shown = JSON.parse(
      await kubectl([
        "-n",
        "forum",
        "get",
        "cluster.postgresql.cnpg.io/forum-db",
        "-o",
        "json",
        "--show-managed-fields",
      ]),
    );
    const fields = shown.metadata.managedFields.find(({ manager }: { manager: string }) => manager === "restorable");
    expect(Object.keys(fields.fieldsV1["f:spec"])).toEqual(["f:plugins"]);
    const store = await get("forum", "objectstore.barmancloud.cnpg.io/forum-db-offcluster");
    expect(store.spec).toMatchObject({
      retentionPolicy: "30d",
      configuration: { data: { compression: "gzip", encryption: "AES256" } },
    });
    expect((await get("forum", "scheduledbackup.postgresql.cnpg.io/forum-db-offcluster")).spec).toMatchObject({
      immediate: true,
      method: "plugin",
    });
    expect(await program.up(withArchive)).not.toMatch(/(?:created|updated|replaced|deleted)/);
  });

  it("is verified at the destination: done, whole, with its WAL", async () => {
    const id = new Date().toISOString().replace(/[-:]|\..*/g, "");
    const begun = new Date().toISOString().replace("T", " ").replace("Z", "+00:00");
    const wal = "000000010000000000000003";
    mkdirSync(join(base(), "base", id), { recursive: true });
    mkdirSync(join(base(), "wals", wal.slice(0, 16)), { recursive: true });
    writeFileSync(
      join(base(), "base", id, "backup.info"),
      `begin_time=${begun}\nbegin_wal=${wal}\nend_wal=${wal}\nstatus=DONE\n`,
    );
    const data = (await import("node:zlib")).gzipSync(Buffer.alloc(100_000, "cluster"));
    writeFileSync(join(base(), "base", id, "data.tar.gz"), data);
    const verify = () => k8sDrill("--cronjob", "cnpg-backup-verify", "--database", "forum-db");
    const without = await verify();
    expect(without.output).toMatch(/FAIL +forum-db +wal_missing/);
    writeFileSync(join(base(), "wals", wal.slice(0, 16), `${wal}.gz`), data);
    const passed = await verify();
    expect(passed.code, passed.output).toBe(0);
    truncateSync(join(base(), "base", id, "data.tar.gz"), data.length - 20);
    const damaged = await verify();
    expect(damaged.code, damaged.output).toBe(1);
    expect(damaged.output).toMatch(/FAIL +forum-db +damaged/);
  });

  it("gives up what it had of the Cluster, which stays", async () => {
    await program.up();
    const { spec } = await get("forum", "cluster.postgresql.cnpg.io/forum-db");
    expect(spec).toMatchObject(owned.spec);
    expect(spec.plugins ?? []).toEqual([]);
  });
});
