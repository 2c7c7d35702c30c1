import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBucket, deleteBucket, updateBucket } from "../../../providers/b2/bucket.js";
import type { BucketInputs } from "../../../providers/b2/bucketState.js";
import { B2Client } from "../../../providers/b2/client.js";
import { createKey, deleteKey, type KeyInputs, readKey } from "../../../providers/b2/key.js";
import { authorization, type Fake, key, keyId, startFake } from "./fake.js";

let fake: Fake;
let b2: B2Client;
beforeEach(async () => {
  fake = await startFake();
  b2 = new B2Client({ apiUrl: fake.url, keyId, key, sleep: async () => {} });
});
afterEach(() => fake.close());

const inputs = (): BucketInputs => ({
  apiUrl: fake.url,
  bucketName: "veza-offsite",
  marker: "restorable-prod",
  endpoint: "s3.us-west-004.backblazeb2.com",
  port: 443,
  bucketType: "allPrivate",
  encryption: "SSE-B2",
  hiddenDays: 30,
  unfinishedDays: 7,
  hideAfterDays: 0,
  lockDays: 0,
  lockMode: "none",
});

const bucket = (more: object = {}) => ({
  accountId: "account",
  bucketId: "b1",
  bucketName: "veza-offsite",
  bucketType: "allPrivate",
  bucketInfo: { "restorable-owner": "restorable-prod" },
  lifecycleRules: [
    {
      fileNamePrefix: "",
      daysFromHidingToDeleting: 30,
      daysFromUploadingToHiding: null,
      daysFromStartingToCancelingUnfinishedLargeFiles: 7,
    },
  ],
  revision: 3,
  defaultServerSideEncryption: { isClientAuthorizedToRead: true, value: { mode: "SSE-B2", algorithm: "AES256" } },
  fileLockConfiguration: {
    isClientAuthorizedToRead: true,
    value: { isFileLockEnabled: false, defaultRetention: { mode: null, period: null } },
  },
  ...more,
});

const names = () => fake.calls.map(({ name }) => name);
const sent = (name: string) => fake.calls.filter((call) => call.name === name).map(({ body }) => body);
const refused = (code: string, status = 400) => ({ status, body: { status, code, message: "" } });

describe("a bucket", () => {
  it("is not touched by an account key that cannot do everything, and every missing right is named", async () => {
    fake.next = [{ body: authorization(fake.url, "t", ["listBuckets", "readBuckets", "writeBuckets"]) }];
    await expect(createBucket(b2, inputs())).rejects.toThrow(/lacks deleteBuckets.*listKeys, writeKeys, deleteKeys/);
    expect(names()).toEqual(["authorize_account"]);
  });

  it("is not made where the account's endpoint is another than the settings'", async () => {
    await expect(createBucket(b2, { ...inputs(), endpoint: "s3.eu-central-003.backblazeb2.com" })).rejects.toThrow(
      "the account's S3 endpoint is s3.us-west-004.backblazeb2.com:443",
    );
    expect(names()).toEqual(["authorize_account"]);
  });

  it("of another owner is refused, and so is a public one and a name of another account", async () => {
    fake.otherwise = () => ({ body: { buckets: [bucket({ bucketInfo: {} })] } });
    await expect(createBucket(b2, inputs())).rejects.toThrow("was not made by this stack");
    fake.otherwise = () => ({ body: { buckets: [bucket({ bucketType: "allPublic" })] } });
    await expect(createBucket(b2, inputs())).rejects.toThrow("is allPublic: it is not taken over");
    fake.otherwise = ({ name }) =>
      name === "list_buckets" ? { body: { buckets: [] } } : refused("duplicate_bucket_name");
    await expect(createBucket(b2, inputs())).rejects.toThrow("is taken by another account");
  });

  it("that an update could not save is adopted, not made again", async () => {
    fake.otherwise = () => ({ body: { buckets: [bucket()] } });
    expect(await createBucket(b2, inputs())).toMatchObject({ bucketId: "b1" });
    expect(names()).toEqual(["authorize_account", "list_buckets"]);
  });

  it("is updated on the revision that was read, again when another update came in between", async () => {
    let revision = 3;
    fake.otherwise = ({ name, body }) => {
      if (name === "list_buckets") return { body: { buckets: [bucket({ revision, lifecycleRules: [] })] } };
      if (body.ifRevisionIs === 3) {
        revision = 4;
        return refused("conflict", 409);
      }
      return { body: bucket({ revision: 5 }) };
    };
    await updateBucket(b2, "b1", inputs(), "restorable-prod");
    expect(sent("update_bucket").map(({ ifRevisionIs }) => ifRevisionIs)).toEqual([3, 4]);
    expect(sent("update_bucket")[1].lifecycleRules).toEqual(bucket().lifecycleRules);
  });

  it("that does not keep its settings ends in an error, not in a loop", async () => {
    const stubborn = bucket({ bucketType: "allPublic" });
    fake.otherwise = ({ name }) => ({ body: name === "list_buckets" ? { buckets: [stubborn] } : stubborn });
    await expect(updateBucket(b2, "b1", inputs(), "restorable-prod")).rejects.toThrow(
      "bucketType allPublic instead of allPrivate",
    );
  });

  it.each(["list_file_versions", "list_unfinished_large_files"])(
    "that %s is not empty is not deleted",
    async (list) => {
      fake.otherwise = ({ name }) =>
        name === "list_buckets"
          ? { body: { buckets: [bucket()] } }
          : { body: { files: name === list ? [{ fileName: "a" }] : [] } };
      await expect(deleteBucket(b2, "b1", inputs())).rejects.toThrow("nothing was deleted");
      expect(names()).not.toContain("delete_bucket");
    },
  );

  it("that lost its marker is not deleted; one that is gone is deleted already", async () => {
    fake.otherwise = () => ({ body: { buckets: [bucket({ bucketInfo: {} })] } });
    await expect(deleteBucket(b2, "b1", inputs())).rejects.toThrow("was not made by this stack");
    fake.otherwise = () => ({ body: { buckets: [] } });
    await deleteBucket(b2, "b1", inputs());
    expect(names()).not.toContain("delete_bucket");
  });
});

describe("a key", () => {
  const wanted = (): KeyInputs => ({
    apiUrl: fake.url,
    bucketId: "b1",
    namePrefix: "restorable-prod-writer-",
    keyName: "restorable-prod-writer-g2-0a0a0a0a",
    capabilities: ["listBuckets", "listFiles", "readFiles", "writeFiles"],
    filePrefix: "pgbackrest/",
  });
  const existing = (applicationKeyId: string, keyName: string, more: object = {}) => ({
    accountId: "account",
    ...{ applicationKeyId, keyName, capabilities: wanted().capabilities, bucketIds: ["b1"], namePrefix: "pgbackrest/" },
    ...more,
  });

  it("is made after what an update could not save was revoked; the one in use and those of others stay", async () => {
    const page1 = [existing("lost", wanted().keyName), existing("inUse", "restorable-prod-writer-g1-0a0a0a0a")];
    const page2 = [
      existing("other", "restorable-prod-reader-g1-0a0a0a0a"),
      existing("elsewhere", wanted().keyName, { bucketIds: ["b2"] }),
    ];
    fake.otherwise = ({ name, body }) => {
      if (name === "list_keys")
        return { body: body.startApplicationKeyId ? { keys: page2 } : { keys: page1, nextApplicationKeyId: "p2" } };
      if (name === "delete_key") return { body: existing(body.applicationKeyId, "") };
      return { body: existing("new", wanted().keyName, { applicationKey: "K-new" }) };
    };
    expect(await createKey(b2, wanted())).toMatchObject({ keyId: "new", key: "K-new", predecessors: ["inUse"] });
    expect(sent("delete_key")).toEqual([{ applicationKeyId: "lost" }]);
    expect(sent("create_key")[0]).toMatchObject({ bucketIds: ["b1"], namePrefix: "pgbackrest/" });
  });

  it("whose answer was lost is revoked and made anew", async () => {
    const keys: object[] = [];
    fake.otherwise = ({ name, body }) => {
      if (name === "list_keys") return { body: { keys } };
      if (name === "delete_key") {
        keys.length = 0;
        return { body: existing(body.applicationKeyId, "") };
      }
      if (sent("create_key").length > 1) return { body: existing("second", wanted().keyName, { applicationKey: "K" }) };
      keys.push(existing("first", wanted().keyName));
      return "cut";
    };
    expect(await createKey(b2, wanted())).toMatchObject({ keyId: "second" });
    expect(sent("delete_key")).toEqual([{ applicationKeyId: "first" }]);
  });

  it("that came out wider than asked for is revoked, and the update fails", async () => {
    fake.otherwise = ({ name, body }) => {
      if (name === "list_keys") return { body: { keys: [] } };
      const made = existing(body.applicationKeyId ?? "wide", wanted().keyName, { applicationKey: "K" });
      return { body: { ...made, capabilities: [...wanted().capabilities, "deleteFiles"] } };
    };
    await expect(createKey(b2, wanted())).rejects.toThrow("wider than asked for");
    expect(sent("delete_key")).toEqual([{ applicationKeyId: "wide" }]);
  });

  it("that somebody revoked, or that expired, is gone", async () => {
    fake.otherwise = () => ({ body: { keys: [existing("later", "x")] } });
    expect(await readKey(b2, "asked", wanted())).toBeUndefined();
    fake.otherwise = () => ({ body: { keys: [existing("asked", "x", { expirationTimestamp: 1 })] } });
    expect(await readKey(b2, "asked", wanted())).toBeUndefined();
  });

  it("takes what was left of its predecessors with it, and is deleted once", async () => {
    fake.otherwise = ({ name, body }) => {
      if (name === "list_keys") return { body: { keys: [] } };
      return body.applicationKeyId === "gone" ? refused("bad_request") : { body: existing("k", "") };
    };
    await deleteKey(b2, "gone", { predecessors: ["older"] });
    expect(sent("delete_key").map(({ applicationKeyId }) => applicationKeyId)).toEqual(["gone", "older"]);
  });
});
