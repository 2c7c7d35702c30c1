import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { drill, incus, metric, metrics, must, primary, sql, world } from "./lab.js";
import {
  absentStanza,
  archive,
  clear,
  containers,
  expectFailed,
  expectOutcome,
  expectUnverified,
  objects,
  store,
  trial,
} from "./trial.js";

afterAll(async () => {
  for (const name of await containers()) await incus("delete", "--force", name);
  await clear();
});

describe("a drill that passes", () => {
  it("V8 runs from its own unit, writes nothing to the repository, and leaves no container", async () => {
    const node = await primary();
    await archive(node);
    const before = await objects();
    const run = metric(await metrics(), "backup_drill_last_run_timestamp_seconds");
    await must(world.host.name, "systemctl start pgbackrest-drill.service");
    const pushed = await must(node, "cd /; ls $(runuser -u postgres -- psql -qAtXc 'SHOW data_directory')/pg_wal");
    const after = await objects();
    expect([...before].filter((object) => !after.has(object))).toEqual([]);
    for (const object of [...after].filter((candidate) => !before.has(candidate))) {
      const [, segment = ""] = /\/([0-9A-F]{24})-[0-9a-f]+(?:\.\w+)? /.exec(object) ?? [];
      expect(pushed, `${object} is not the formation's own WAL`).toContain(segment || "a segment");
    }
    const text = await metrics();
    expect(metric(text, "backup_drill_last_run_timestamp_seconds")).toBeGreaterThan(run);
    expect(metric(text, "backup_drill_last_success", 'reason="none"')).toBe(1);
    expectOutcome(text, "pass");
    expect(await containers()).toEqual([]);
  });

  it("--help explains, an unknown option is refused", async () => {
    const help = await drill("--help");
    expect(help.code).toBe(0);
    for (const option of ["--repo", "--keep", "--target-time", "--json", "Exit codes"])
      expect(help.stdout).toContain(option);
    expect((await drill("--hlep")).code).toBe(2);
  });
});

describe("data that is not as expected: exit 1", () => {
  let node = "";
  beforeAll(async () => {
    node = await primary();
  });
  afterEach(async () => expect(await containers()).toEqual([]));

  it("fewer rows than the floor", async () => {
    expectFailed(await trial({ env: { MIN_USERS_EXPECTED: 1001 } }), "below_floor");
  });

  describe("a table that was dropped", () => {
    let earlier = "";
    beforeAll(async () => {
      earlier = await sql(node, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS+00')");
      // The target is a whole second: the change has to lie behind it.
      await sql(node, "SELECT pg_sleep(1.1)");
      await sql(node, "ALTER TABLE users RENAME TO users_away");
      await archive(node);
    });
    afterAll(async () => {
      await sql(node, "ALTER TABLE users_away RENAME TO users");
      await archive(node);
    });

    it("is missing", async () => {
      expectFailed(await trial(), "missing_table");
    });

    it("is there at an earlier --target-time, which writes _pitr_ series only", async () => {
      const { code, output, before, metrics } = await trial({ args: ["--target-time", earlier] });
      expect(code, output).toBe(0);
      const pitr = metrics.split("\n").filter((line) => /^\w+_backup_drill_pitr_/.test(line));
      expect(metric(pitr.join("\n"), "backup_drill_pitr_smoke_rows")).toBe(1000);
      expectOutcome(metrics, "pass", "pitr_outcome");
      for (const line of before.split("\n").filter((line) => /^\w/.test(line))) expect(metrics).toContain(line);
    });

    it("was emptied", async () => {
      await sql(node, "CREATE TABLE users (LIKE users_away)");
      try {
        await archive(node);
        expectFailed(await trial(), "empty_table");
      } finally {
        await sql(node, "DROP TABLE users");
      }
    });
  });
});

describe("a repository that is not good for a restore: exit 1", () => {
  afterEach(async () => expect(await containers()).toEqual([]));

  it("a wrong cipher passphrase", async () => {
    const alter = "sed -i 's/^\\(repo1-cipher-pass=\\).*/\\1another-passphrase-than-this/' secrets.repo1.conf";
    expectFailed(await trial({ alter }), "wrong_cipher");
  });

  it("a store that answers but does not have the stanza", async () => {
    expectFailed(await trial(absentStanza), "no_backup");
  });

  it("a store that answers but has nothing at the path", async () => {
    expectFailed(
      await trial({ alter: "sed -i 's#^\\(repo1-path=\\).*#\\1/empty#' pgbackrest.repo1.conf" }),
      "no_backup",
    );
  });

  it("a store that does not know the key", async () => {
    expectFailed(
      await trial({ alter: "sed -i 's/^\\(repo1-s3-key=\\).*/\\1UNKNOWNKEY/' secrets.repo1.conf" }),
      "access_denied",
    );
  });

  it("a corrupted backup file", async () => {
    const find = `cd ${store.data} && find pgbackrest/backup/main -type f -size +64k -path '*F/*' -printf '%s %p\\n' | sort -rn | head -n 1 | cut -d' ' -f2-`;
    const file = await must(store.container, find);
    // The object keeps its file, whose attributes belong to the store: only the bytes are exchanged.
    const path = `${store.data}/${file}`;
    await must(
      store.container,
      `set -e; cp -p ${path} /root/intact; size=$(stat -c %s ${path}); dd if=/dev/urandom of=${path} bs=4096 count=8 seek=$((size / 8192)) conv=notrunc status=none`,
    );
    try {
      expectFailed(await trial(), "corrupted_backup");
    } finally {
      await must(store.container, `cat /root/intact >${path} && touch -r /root/intact ${path} && rm /root/intact`);
    }
  });

  it("WAL missing in the middle, where Postgres itself promotes without an error", async () => {
    const node = await primary();
    const segments = [await archive(node), await archive(node), await archive(node)];
    const file = await must(store.container, `cd ${store.data} && find . -name '${segments[1]}-*'`);
    expect(file).not.toBe("");
    await must(
      store.container,
      `mkdir -p /var/lib/object-store/away && mv ${store.data}/${file} /var/lib/object-store/away/`,
    );
    try {
      const result = await trial();
      expectFailed(result, "wal_missing");
      expect(result.output).toContain(`${segments[1]} is missing`);
    } finally {
      await must(
        store.container,
        `mv /var/lib/object-store/away/* ${store.data}/${file} && rmdir /var/lib/object-store/away`,
      );
    }
  });
});

/** pgBackRest tries again for some ten times this long. */
const impatient = { env: { CHECK_IO_TIMEOUT_SECONDS: 1 } };

describe("what cannot be verified: exit 2, no timestamp refreshed", () => {
  afterEach(async () => expect(await containers()).toEqual([]));

  it("the store does not listen", async () => {
    await must(store.container, "systemctl stop versitygw.service");
    try {
      expectUnverified(await trial(impatient), "store_unreachable");
    } finally {
      await must(store.container, "systemctl start versitygw.service");
    }
  });

  it("the store's answers get lost", async () => {
    // Addresses that the network gives to drills; the formation has its own below.
    const routes = ["96/27", "128/25"].map((net) => `${world.subnet}.${net}`);
    const change = (verb: string) => routes.map((route) => `ip route ${verb} blackhole ${route}`).join(" && ");
    await must(store.container, change("add"));
    try {
      expectUnverified(await trial(impatient), "store_unreachable");
    } finally {
      await must(store.container, change("del"));
    }
  });

  it("no image", async () => {
    expectUnverified(await trial({ env: { IMAGE: "absent", FALLBACK_IMAGE: "absent-too" } }), "image_missing");
  });

  it("no incus", async () => {
    const prefix = `d=/run/restorable-trial/bin; mkdir -p $d; ln -sf /usr/bin/* $d/; rm $d/incus; PATH=$d`;
    expectUnverified(await trial({ prefix }), "incus_missing");
  });

  it("an Incus that does not answer", async () => {
    expectUnverified(await trial({ prefix: "INCUS_SOCKET=/run/absent" }), "incus_unavailable");
  });

  it("no such Incus project", async () => {
    expectUnverified(await trial({ env: { INCUS_PROJECT: "absent" } }), "project_missing");
  });

  it("too small a disk", async () => {
    expectUnverified(await trial({ env: { DISK_RESERVE_BYTES: 2 ** 50 } }), "disk_too_small");
  });

  it("a time limit that is over before there is a restore", async () => {
    expectUnverified(await trial({ env: { TIME_LIMIT_SECONDS: 1 } }), "time_limit");
  });
});
