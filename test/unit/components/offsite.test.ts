import { createRequire } from "node:module";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { b2Key } from "../../../components/B2Bucket.js";
import { type MakeOffsiteArgs, makeOffsite } from "../../../components/makeOffsite.js";
import type { OffsiteBucket } from "../../../components/OffsiteBucket.js";
import { commonPrefix, prefixes } from "../../../components/offsiteArgs.js";
import { known, type Registered, settled, startEngine } from "./engine.js";

/**
 * What is asked of AWS and Cloudflare, property by property; the types are the providers' own. None of it ran against
 * them.
 */

// The packages of the providers are big, and taking a dynamic provider apart loads a compiler.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let registered: Registered[];
const loaded = (): string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => /@pulumi\/(aws|cloudflare)\//.test(path));

const args = (kind: MakeOffsiteArgs["kind"], more: Partial<MakeOffsiteArgs> = {}): MakeOffsiteArgs => ({
  kind,
  bucket: "veza-offsite",
  folders: ["/pgbackrest", "/exports"],
  region: "eu-west-3",
  endpoint: "s3.eu-west-3.amazonaws.com",
  port: 443,
  uriStyle: "host",
  hiddenDays: 30,
  objectLockDays: 0,
  objectLockMode: "governance",
  keyGeneration: 1,
  owner: "restorable-prod",
  keepData: true,
  apiUrl: "https://api.backblazeb2.com",
  accountId: "0123456789abcdef0123456789abcdef",
  existing: () => ({
    writer: { key: "writer-id", keySecret: "writer-secret" },
    reader: { key: "reader-id", keySecret: "reader-secret" },
  }),
  ...more,
});

/** What was registered under this name, newest first; a JSON text is taken apart. */
function made(name: string): Registered & { text: (property: string) => unknown } {
  const found = registered.find((it) => it.name === name);
  if (!found) throw new Error(`no ${name} among ${registered.map((it) => it.name).join(", ")}`);
  return { ...found, text: (property) => JSON.parse(String(found.inputs[property])) };
}

async function make(
  name: string,
  kind: MakeOffsiteArgs["kind"],
  more: Partial<MakeOffsiteArgs> = {},
): Promise<OffsiteBucket> {
  const bucket = await makeOffsite(name, args(kind, more));
  await settled();
  return bucket;
}

const permission = (id: string, name: string) => ({ id, name, category: "developer_platform", scopes: [] });

beforeAll(async () => {
  registered = await startEngine("prod", () => ({
    results: [
      permission("other", "Workers R2 Storage Read"),
      permission("group-write", "Workers R2 Storage Bucket Item Write"),
      permission("group-read", "Workers R2 Storage Bucket Item Read"),
    ],
  }));
});

describe("kind existing", () => {
  it("makes nothing, loads nothing, and hides both secrets", async () => {
    const bucket = await make("given", "existing");
    expect(registered.map(({ name }) => name)).not.toContain("given");
    expect(loaded()).toEqual([]);
    expect(await known(bucket.writer.key)).toEqual({ value: "writer-id", secret: false });
    expect(await known(bucket.reader.keySecret)).toEqual({ value: "reader-secret", secret: true });
  });
});

describe("kind b2", () => {
  let offsite: OffsiteBucket;
  beforeAll(async () => {
    offsite = await make("b2", "b2", { endpoint: "s3.us-west-004.backblazeb2.com", objectLockDays: 14 });
  });

  it("asks for a private bucket, protected and kept", () => {
    const { inputs, type, protect, parent } = made("b2-bucket");
    expect({ type, protect, parent }).toEqual({ type: "pulumi-nodejs:dynamic/b2:Bucket", protect: true, parent: "b2" });
    const { __provider: code, ...asked } = inputs;
    expect(asked).toEqual({
      apiUrl: "https://api.backblazeb2.com",
      bucketName: "veza-offsite",
      marker: "restorable-prod",
      endpoint: "s3.us-west-004.backblazeb2.com",
      port: 443,
      bucketType: "allPrivate",
      encryption: "SSE-B2",
      hiddenDays: 30,
      unfinishedDays: 7,
      hideAfterDays: 0,
      lockDays: 14,
      lockMode: "governance",
    });
    expect(String(code)).not.toContain(process.cwd());
  });

  it("asks for two keys, none of which may destroy a version or make keys", async () => {
    for (const role of ["writer", "reader"] as const) {
      const { inputs, parent } = made(`b2-${role}`);
      const { __provider: _, ...asked } = inputs;
      expect(parent).toBe("b2");
      expect(asked).toEqual({
        apiUrl: "https://api.backblazeb2.com",
        bucketId: "b2-bucket-id",
        namePrefix: `restorable-prod-${role}-`,
        keyName: expect.stringMatching(new RegExp(`^restorable-prod-${role}-g1-[0-9a-f]{8}$`)),
        capabilities: ["listBuckets", "listFiles", "readFiles", ...(role === "writer" ? ["writeFiles"] : [])],
        filePrefix: "",
      });
      expect(await known(offsite[role].key)).toEqual({ value: `b2-${role}-id`, secret: false });
      expect(await known(offsite[role].keySecret)).toEqual({ value: `b2-${role} secret`, secret: true });
    }
  });

  it("names keys of another generation, or of other folders, otherwise", () => {
    const name = (more: Partial<MakeOffsiteArgs>) => b2Key("writer", args("b2", more)).keyName;
    const all = [name({}), name({ keyGeneration: 2 }), name({ folders: ["/pgbackrest"] }), name({ owner: "other" })];
    expect(new Set(all).size).toBe(4);
    for (const each of all) expect(each).toMatch(/^[A-Za-z0-9-]{1,100}$/);
    expect(name({ owner: `${"x".repeat(200)}/ü` })).toMatch(/^[A-Za-z0-9-]{1,100}$/);
  });
});

describe("kind s3", () => {
  const bucket = "s3-bucket-id";
  const region = "eu-west-3";
  let offsite: OffsiteBucket;
  beforeAll(async () => {
    offsite = await make("s3", "s3", { objectLockDays: 14, objectLockMode: "compliance" });
  });

  it("asks for a private, versioned, encrypted bucket, protected and kept", () => {
    const it = made("s3-bucket");
    expect(it.protect).toBe(true);
    expect(it.inputs).toEqual({
      bucket: "veza-offsite",
      region,
      objectLockEnabled: true,
      forceDestroy: false,
      tags: { "restorable-owner": "restorable-prod" },
    });
    expect(made("s3-private").inputs).toEqual({
      bucket,
      region,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    expect(made("s3-ownership").inputs).toEqual({ bucket, region, rule: { objectOwnership: "BucketOwnerEnforced" } });
    expect(made("s3-versioning").inputs).toEqual({ bucket, region, versioningConfiguration: { status: "Enabled" } });
    expect(made("s3-encryption").inputs).toEqual({
      bucket,
      region,
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
    expect(made("s3-lock").inputs).toEqual({
      bucket,
      region,
      rule: { defaultRetention: { mode: "COMPLIANCE", days: 14 } },
    });
  });

  it("destroys what is noncurrent after its days, and nothing for its age", () => {
    expect(made("s3-lifecycle").inputs).toEqual({
      bucket,
      region,
      rules: [
        {
          id: "restorable-hidden",
          status: "Enabled",
          filter: { prefix: "" },
          noncurrentVersionExpiration: { noncurrentDays: 30 },
          expiration: { expiredObjectDeleteMarker: true },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
        },
      ],
    });
    expect(made("s3-lifecycle").dependencies).toContain("s3-versioning");
  });

  it("lets nobody in without TLS", () => {
    expect(made("s3-policy").text("policy")).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "OnlyTls",
          Effect: "Deny",
          Principal: "*",
          Action: "s3:*",
          Resource: ["arn:s3-bucket", "arn:s3-bucket/*"],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
  });

  it.each([
    [
      "writer",
      ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
    ],
    ["reader", ["s3:GetObject", "s3:GetObjectVersion"]],
  ])("gives the %s's user the least, in its folders only", (role, actions) => {
    expect(made(`s3-${role}`).inputs).toEqual({
      name: `veza-offsite-${role}`,
      tags: { "restorable-owner": "restorable-prod" },
    });
    expect(made(`s3-${role}-policy`).inputs.user).toBe(`veza-offsite-${role}`);
    expect(made(`s3-${role}-policy`).text("policy")).toEqual({
      Version: "2012-10-17",
      Statement: [
        { Sid: "Where", Effect: "Allow", Action: ["s3:GetBucketLocation"], Resource: "arn:s3-bucket" },
        {
          Sid: "List",
          Effect: "Allow",
          Action: ["s3:ListBucket", "s3:ListBucketVersions"],
          Resource: "arn:s3-bucket",
          Condition: { StringLike: { "s3:prefix": ["pgbackrest/*", "exports/*"] } },
        },
        {
          Sid: "Objects",
          Effect: "Allow",
          Action: actions,
          Resource: ["arn:s3-bucket/pgbackrest/*", "arn:s3-bucket/exports/*"],
        },
      ],
    });
  });

  it("makes a key of its own for each generation, once the bucket is closed", async () => {
    const { inputs, dependencies } = made("s3-writer-key-1");
    expect(inputs).toEqual({ user: "veza-offsite-writer" });
    expect(dependencies).toEqual(expect.arrayContaining(["s3-encryption", "s3-private", "s3-versioning"]));
    expect(await known(offsite.writer.keySecret)).toEqual({ value: "s3-writer-key-1 secret", secret: true });
    expect((await known(offsite.endpoint)).value).toBe("s3.eu-west-3.amazonaws.com");
  });

  it("makes no lock where none is wanted, and keeps nothing that need not be kept", async () => {
    await make("open", "s3", { keepData: false });
    expect(registered.map(({ name }) => name)).not.toContain("open-lock");
    expect(made("open-bucket").inputs.objectLockEnabled).toBe(false);
    expect(made("open-bucket").protect).toBe(false);
  });
});

describe("kind r2", () => {
  const accountId = "0123456789abcdef0123456789abcdef";
  let offsite: OffsiteBucket;
  beforeAll(async () => {
    offsite = await make("r2", "r2", { keyGeneration: 3 });
  });

  it("asks for a bucket, protected and kept, that drops unfinished uploads and nothing else", () => {
    expect(made("r2-bucket").inputs).toEqual({ accountId, name: "veza-offsite" });
    expect(made("r2-bucket").protect).toBe(true);
    expect(made("r2-lifecycle").inputs).toEqual({
      accountId,
      bucketName: "veza-offsite",
      rules: [
        {
          id: "restorable-unfinished",
          enabled: true,
          conditions: { prefix: "" },
          abortMultipartUploadsTransition: { condition: { type: "Age", maxAge: 604_800 } },
        },
      ],
    });
  });

  it.each([
    ["writer", "group-write"],
    ["reader", "group-read"],
  ])("gives the %s a token for this bucket, and the S3 secret that follows from it", async (role, group) => {
    expect(made(`r2-${role}-token-3`).inputs).toEqual({
      accountId,
      name: `veza-offsite-${role}-3`,
      policies: [
        {
          effect: "allow",
          permissionGroups: [{ id: group }],
          resources: JSON.stringify({ [`com.cloudflare.edge.r2.bucket.${accountId}_default_veza-offsite`]: "*" }),
        },
      ],
    });
    const { key, keySecret } = role === "writer" ? offsite.writer : offsite.reader;
    expect((await known(key)).value).toBe(`r2-${role}-token-3-id`);
    const { value, secret } = await known(keySecret);
    // printf 'token-value' | sha256sum
    expect(value).toBe("e6c02a5742ea9d4de588eb9b9de7bed43dc17011552186bed3e98b2c5958ff4a");
    expect(secret).toBe(true);
  });

  it("refuses object lock", async () => {
    await expect(make("locked", "r2", { objectLockDays: 1 })).rejects.toThrow("no object lock");
  });
});

describe("folders", () => {
  it("are starts of object names", () => {
    expect(prefixes(["/pgbackrest", "a/b/", "/"])).toEqual(["pgbackrest/", "a/b/", ""]);
  });

  it.each([
    [["/pgbackrest"], "pgbackrest/"],
    [["/site/pgbackrest", "/site/exports"], "site/"],
    [["/pgbackrest", "/exports"], ""],
    [["/pg", "/pgbackrest"], ""],
    [["/"], ""],
  ])("%j have the start %j in common", (folders, common) => {
    expect(commonPrefix(folders)).toBe(common);
  });
});
