import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { prepareTrial, stanza, type Trial } from "./b2/pgbackrest.js";
import { killTree } from "./b2/processes.js";
import { type Program, prepareProgram } from "./b2/program.js";
import { type S3Key, s3, versionsOf } from "./b2/s3.js";
import { type StandIn, startStandIn } from "./b2/standIn.js";
import { waitFor, world } from "./lab.js";

/**
 * The bucket component with the real CLI, against B2's API as the SDK's simulator has it, and pgBackRest on the keys
 * that it made. One story: each test stands on the ones before it.
 */

// Each update loads the program and a compiler: a second or two by itself, minutes on a machine that is overrun.
vi.setConfig({ testTimeout: 900_000 });

let directory = "";
let b2: StandIn;
let program: Program;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "restorable-b2-"));
  b2 = await startStandIn(mkdir("store"), `${world.subnet}.1`);
  program = await prepareProgram(mkdir("program"), b2);
});
afterAll(async () => {
  await b2?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function mkdir(name: string): string {
  mkdirSync(join(directory, name));
  return join(directory, name);
}

const keyNames = async () => (await b2.control()).keys.map(({ keyName }) => keyName.replace(/-\w+$/, "")).sort();
const bucket = async (name = "restorable-test") =>
  (await b2.control()).buckets.find(({ bucketName }) => bucketName === name);
/** Id and secret of a key, as the host has it. */
const hostKey = (role: string): S3Key => {
  const [key = "", secret = ""] = readFileSync(join(program.directory, "hosts", role), "utf8")
    .trim()
    .split(" ");
  return { key, secret };
};
const ca = () => join(directory, "store/tls.crt");
const lists = async (key: S3Key, name = "restorable-test") =>
  (await s3(b2.store, ca(), key, "GET", `${name}?list-type=2&prefix=pgbackrest%2F`)).status;

describe("from nothing", () => {
  it("makes a private, encrypted bucket and two keys that are limited to it", async () => {
    await program.up();
    expect(await bucket()).toMatchObject({
      bucketType: "allPrivate",
      bucketInfo: { "restorable-owner": "restorable-b2" },
      lifecycleRules: [{ fileNamePrefix: "", daysFromHidingToDeleting: 30, daysFromUploadingToHiding: null }],
      defaultServerSideEncryption: { value: { mode: "SSE-B2", algorithm: "AES256" } },
      fileLockConfiguration: { value: { isFileLockEnabled: false } },
    });
    const { keys } = await b2.control();
    const limits = { bucketIds: [(await bucket()).bucketId], namePrefix: "pgbackrest/", expirationTimestamp: null };
    const reads = ["listBuckets", "listFiles", "readFiles"];
    expect(keys.sort((a, b) => (a.keyName < b.keyName ? -1 : 1))).toMatchObject([
      { keyName: expect.stringMatching(/^restorable-b2-reader-g1-[0-9a-f]{8}$/), capabilities: reads, ...limits },
      {
        keyName: expect.stringMatching(/^restorable-b2-writer-g1-[0-9a-f]{8}$/),
        capabilities: [...reads, "writeFiles"],
        ...limits,
      },
    ]);
  });

  it("keeps secrets out of the state's plain text", () => {
    const state = program.state();
    expect(state).toContain(hostKey("writer").key);
    for (const secret of [b2.key, hostKey("writer").secret, hostKey("reader").secret])
      expect(state).not.toContain(secret);
  });

  it("has nothing to do afterwards, and sees no drift", async () => {
    const preview = await program.pulumi("preview", "--refresh", "--expect-no-changes");
    expect(preview.code, preview.output).toBe(0);
  });
});

describe("pgBackRest on the keys that were made", () => {
  let trial: Trial;
  const probe = "pgbackrest/probe";

  beforeAll(async () => {
    const keys = { writer: hostKey("writer"), reader: hostKey("reader") };
    trial = await prepareTrial("pgaf-replica", { store: b2.store, bucket: "restorable-test", keys });
  });
  afterAll(() => trial?.clear());

  const must = async (role: "writer" | "reader", command: string) => {
    const { code, output } = await trial.as(role, command);
    expect(code, output).toBe(0);
    return output;
  };

  it("backs up with the writer's, restores with the reader's", async () => {
    await must("writer", `--stanza=${stanza} --no-online stanza-create`);
    await must("writer", `--stanza=${stanza} --no-online --type=full backup`);
    const [info] = JSON.parse(await must("reader", `--stanza=${stanza} --output=json info`));
    expect(info.backup).toHaveLength(1);
    await must("reader", `--stanza=${stanza} --pg1-path=FOLDER/copy --archive-mode=off --type=none restore`);
  });

  it("lets the writer hide, and destroy no version", async () => {
    await must("writer", "--no-log-timestamp --stanza=none repo-put probe <<<one");
    await must("writer", "--stanza=none repo-rm probe");
    const versions = await versionsOf(b2.store, ca(), "restorable-test", probe);
    expect(versions).toHaveLength(2);
    for (const id of versions) {
      const path = `restorable-test/${probe}?versionId=${encodeURIComponent(id)}`;
      expect((await s3(b2.store, ca(), hostKey("writer"), "DELETE", path)).status).toBe(403);
    }
    expect(await versionsOf(b2.store, ca(), "restorable-test", probe)).toEqual(versions);
  });

  it("lets the reader neither write nor delete, and neither of them leave its folder", async () => {
    const refused = async (role: string, method: "PUT" | "DELETE" | "GET", path: string) =>
      expect((await s3(b2.store, ca(), hostKey(role), method, path)).status, `${role} ${method} ${path}`).toBe(403);
    await refused("reader", "PUT", "restorable-test/pgbackrest/new");
    await refused("reader", "DELETE", `restorable-test/pgbackrest/backup/${stanza}/backup.info`);
    await refused("writer", "PUT", "restorable-test/elsewhere");
    for (const role of ["reader", "writer"]) await refused(role, "GET", "restorable-test?list-type=2");
    expect((await trial.as("reader", "--stanza=none repo-put new <<<one")).code).not.toBe(0);
    expect((await trial.as("reader", `--stanza=none repo-rm backup/${stanza}/backup.info`)).code).not.toBe(0);
    expect(await must("reader", `--stanza=${stanza} info`)).toContain("full backup");
  });
});

describe("what others changed", () => {
  it("shows a public bucket, other rules and a revoked key, and puts all of it back", async () => {
    const { bucketId } = await bucket();
    await b2.call("update_bucket", {
      bucketId,
      bucketType: "allPublic",
      lifecycleRules: [{ fileNamePrefix: "", daysFromUploadingToHiding: 3, daysFromHidingToDeleting: 1 }],
    });
    const { keys } = await b2.control();
    const reader = keys.find(({ keyName }) => keyName.includes("reader"));
    await b2.call("delete_key", { applicationKeyId: reader?.applicationKeyId });

    const { output } = await program.pulumi("preview", "--refresh", "--diff");
    expect(output).toMatch(/bucketType *: "allPublic" => "allPrivate"/);
    expect(output).toMatch(/hideAfterDays *: 3 => 0/);
    expect(output).toMatch(/\+ pulumi-nodejs:dynamic\/b2:Key: \(create\)/);

    await program.up("--refresh");
    expect(await bucket()).toMatchObject({
      bucketId,
      bucketType: "allPrivate",
      lifecycleRules: [{ daysFromHidingToDeleting: 30, daysFromUploadingToHiding: null }],
    });
    expect(await keyNames()).toEqual(["restorable-b2-reader-g1", "restorable-b2-writer-g1"]);
    expect(await lists(hostKey("reader"))).toBe(200);
  });

  it("changes in place what can be", async () => {
    const { bucketId } = await bucket();
    program.set({ hiddenDays: 40, objectLockDays: 2 });
    await program.up();
    expect(await bucket()).toMatchObject({
      bucketId,
      lifecycleRules: [{ daysFromHidingToDeleting: 40 }],
      fileLockConfiguration: {
        value: {
          isFileLockEnabled: true,
          defaultRetention: { mode: "governance", period: { duration: 2, unit: "days" } },
        },
      },
    });
  });
});

describe("rotation", () => {
  const log = () => join(program.directory, "hosts/log");
  const fail = () => join(program.directory, "hosts/fail");

  it("keeps the old keys when a host fails to take the new ones", async () => {
    const before = hostKey("writer");
    program.set({ keyGeneration: 2 });
    writeFileSync(fail(), "");
    const { code, output } = await program.pulumi("up", "--yes", "--skip-preview");
    rmSync(fail());
    expect(code, output).not.toBe(0);
    expect(output).toContain("not this time");
    expect(await keyNames()).toEqual([
      ...["restorable-b2-reader-g1", "restorable-b2-reader-g2"],
      ...["restorable-b2-writer-g1", "restorable-b2-writer-g2"],
    ]);
    expect(hostKey("writer")).toEqual(before);
    expect(await lists(before)).toBe(200);
  });

  it("revokes them once all hosts have the new ones", async () => {
    const before = hostKey("writer");
    rmSync(log());
    await program.up();
    const steps = readFileSync(log(), "utf8").trim().split("\n");
    expect(steps).toHaveLength(2);
    for (const step of steps) for (const old of ["reader-g1", "writer-g1"]) expect(step).toContain(old);
    expect(await keyNames()).toEqual(["restorable-b2-reader-g2", "restorable-b2-writer-g2"]);
    expect(await lists(hostKey("writer"))).toBe(200);
    expect(await lists(before)).toBe(403);
  });

  it("leaves no orphan when it is killed between making a key and saving it", async () => {
    program.set({ keyGeneration: 3 });
    await b2.faults({ call: "create_key", hold: true, times: 2 });
    const running = program.start("up", "--yes", "--skip-preview");
    const third = async () => (await b2.control()).keys.filter(({ keyName }) => keyName.includes("-g3-"));
    await waitFor("two keys without an answer", 400, async () => (await third()).length === 2);
    killTree(running);
    await b2.faults();
    const orphans = (await third()).map(({ applicationKeyId }) => applicationKeyId);

    expect((await program.pulumi("cancel", "--yes")).code).toBe(0);
    const cleared = await program.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates");
    expect(cleared.code, cleared.output).toBe(0);
    await program.up();
    expect(await keyNames()).toEqual(["restorable-b2-reader-g3", "restorable-b2-writer-g3"]);
    for (const { applicationKeyId } of await third()) expect(orphans).not.toContain(applicationKeyId);
    expect(await lists(hostKey("writer"))).toBe(200);
  });
});

describe("another bucket, and the end", () => {
  const empty = (name: string) => {
    for (const folder of [`data/${name}`, `versions/${name}`]) {
      const path = join(directory, "store", folder);
      if (existsSync(path)) rmSync(path, { recursive: true });
    }
    mkdirSync(join(directory, "store/data", name));
  };

  it("makes the new one through every fault, and does not delete the old one, which holds backups", async () => {
    const old = hostKey("writer");
    const names = await keyNames();
    expect((await s3(b2.store, ca(), old, "PUT", "restorable-test/pgbackrest/kept")).status).toBe(200);
    program.set({ bucket: "restorable-other" });
    await b2.faults(
      { call: "list_buckets", expire: true },
      { call: "create_bucket", status: 429, code: "too_many_requests", retryAfter: "1", times: 3 },
      { call: "create_bucket", status: 503, code: "service_unavailable" },
      { call: "create_bucket", cut: "after" },
      { call: "create_key", cut: "after" },
      { call: "delete_key", cut: "after" },
      { call: "list_keys", cut: "before" },
    );
    const { code, output } = await program.pulumi("up", "--yes", "--skip-preview");
    const { calls } = await b2.control();
    expect(code, output).not.toBe(0);
    expect(output).toContain("bucket restorable-test is not empty (hidden versions count): nothing was deleted");
    expect(output).toContain("b2 rm --versions --recursive b2://restorable-test");
    expect(calls.filter((call) => call === "create_bucket")).toHaveLength(6);
    expect(await bucket()).toBeDefined();
    expect(await bucket("restorable-other")).toMatchObject({ bucketType: "allPrivate" });
    expect(await keyNames()).toEqual(names);
    expect(await lists(hostKey("writer"), "restorable-other")).toBe(200);
    for (const secret of [b2.key, hostKey("writer").secret]) expect(output).not.toContain(secret);
  });

  it("deletes it once it is empty", async () => {
    empty("restorable-test");
    await program.up();
    expect((await b2.control()).buckets).toHaveLength(1);
  });

  it("leaves nothing when all is destroyed", async () => {
    const { code, output } = await program.pulumi("destroy", "--yes", "--skip-preview");
    expect(code, output).toBe(0);
    expect(await b2.control()).toMatchObject({ buckets: [], keys: [] });
  });
});
