import { describe, expect, it } from "vitest";
import { failureDomainWarnings, parseSettings } from "../../../settings.js";
import { changed, goodSecrets, refusal } from "./fixture.js";

const accepted = (values: Record<string, unknown>, secrets: Record<string, string | undefined> = goodSecrets) =>
  parseSettings(changed(values), secrets);
const repository2 = (values: Record<string, unknown>) => accepted(values).backup.repositories[1];

describe("repository 2", () => {
  it("is the off-site bucket: by time, with timers of its own", () => {
    expect(repository2({})).toEqual({
      number: 2,
      endpoint: "s3.ailleurs.fr",
      port: 443,
      bucket: "offsite",
      path: "/pgbackrest",
      region: "us-east-1",
      uriStyle: "path",
      retention: { type: "time", days: 30 },
      failureDomain: "d",
      timers: {
        full: "Wed *-*-* 03:00:00 UTC",
        diff: "Mon,Tue,Thu..Sun *-*-* 03:00:00 UTC",
        drill: "Wed *-*-* 05:00:00 UTC",
      },
    });
  });

  it("stands in a folder of its own with b2, whose keys have one prefix", () => {
    const offsite = { kind: "b2", bucket: "offsite", region: "us-west-004", failureDomain: "d" };
    expect(repository2({ offsite })).toMatchObject({ path: "/restorable/pgbackrest" });
    expect(repository2({ offsite: { ...offsite, path: "/site/pgbackrest" } })).toMatchObject({
      path: "/site/pgbackrest",
    });
  });

  const account = "0123456789abcdef0123456789abcdef";
  it.each([
    ["b2", { region: "us-west-004" }, "s3.us-west-004.backblazeb2.com", "us-west-004", "path"],
    ["s3", { region: "eu-west-3" }, "s3.eu-west-3.amazonaws.com", "eu-west-3", "host"],
    ["r2", { accountId: account }, `${account}.r2.cloudflarestorage.com`, "auto", "path"],
  ])("has the endpoint of its provider: %s", (kind, more, endpoint, region, uriStyle) => {
    const offsite = { kind, bucket: "offsite", failureDomain: "d", ...more };
    expect(repository2({ offsite })).toMatchObject({ endpoint, region, uriStyle });
    const own = { ...offsite, endpoint: "s3.elsewhere.fr", uriStyle: "path", port: 8443 };
    expect(repository2({ offsite: own })).toMatchObject({ endpoint: "s3.elsewhere.fr", uriStyle: "path", port: 8443 });
  });

  it.each([
    ["b2", "region"],
    ["s3", "region"],
    ["r2", "accountId"],
    ["existing", "endpoint"],
  ])("of kind %s needs %s", (kind, key) => {
    const error = refusal(changed({ offsite: { kind, bucket: "offsite", failureDomain: "d" } }));
    expect(error.keys).toEqual([`restorable:offsite.${key}`]);
    expect(error.message).toContain(`is missing; with kind ${kind}`);
  });

  it("is required in prod, unless it is said that there is none", () => {
    expect(refusal(changed({ offsite: undefined })).message).toContain("allowNoOffsite: true");
    expect(accepted({ offsite: undefined, allowNoOffsite: true }).backup.repositories).toHaveLength(1);
    expect(accepted({ offsite: undefined, environment: "lab" }).backup.repositories).toHaveLength(1);
  });
});

describe("what is refused, with the reason and the override", () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ["one endpoint", { "offsite.endpoint": "s3.acme.fr" }, "offsite.endpoint", "backup.allow.sameFailureDomain"],
    ["one failure domain", { "offsite.failureDomain": "c" }, "offsite.failureDomain", "backup.allow.sameFailureDomain"],
    [
      "fewer than 7 days",
      { "offsite.retentionDays": 6 },
      "offsite.retentionDays",
      "backup.allow.shortOffsiteRetention",
    ],
  ])("%s", (_, values, key, override) => {
    const error = refusal(changed(values));
    expect(error.keys).toEqual([`restorable:${key}`]);
    expect(error.message).toContain(`${override}: true`);
    expect(() => accepted({ ...values, [override]: true })).not.toThrow();
  });

  it("an endpoint derived from the region is repository 1's too", () => {
    const values = {
      "backup.repositories[0].endpoint": "s3.eu-west-3.amazonaws.com",
      offsite: { kind: "s3", region: "eu-west-3", bucket: "offsite", failureDomain: "d" },
    };
    expect(refusal(changed(values)).keys).toEqual(["restorable:offsite.endpoint"]);
  });

  it("repository 1's own place, and nothing allows that", () => {
    const values = {
      "offsite.endpoint": "s3.acme.fr",
      "offsite.bucket": "backups",
      "backup.allow.sameFailureDomain": true,
    };
    expect(refusal(changed(values)).keys).toEqual(["restorable:offsite.bucket"]);
    expect(() => accepted({ ...values, "offsite.path": "/elsewhere" })).not.toThrow();
  });

  it("says at each preview what it was made to accept", () => {
    const both = accepted({ "offsite.failureDomain": "c", "backup.allow.sameFailureDomain": true });
    expect(failureDomainWarnings(both)).toContainEqual(
      expect.stringContaining("Both repositories are in the failure domain c"),
    );
    expect(failureDomainWarnings(accepted({}))).not.toContainEqual(expect.stringContaining("Both repositories"));
  });

  it.each([
    ["offsite.cipherType", "none"],
    ["backup.repositories[0].cipherType", "none"],
    ["backup.encryption", false],
  ])("no encryption, by its name: %s", (key, value) => {
    const error = refusal(changed({ [key]: value }));
    expect(error.keys).toEqual([`restorable:${key}`]);
    expect(error.message).toContain("every repository is encrypted");
  });

  it.each(["public", "publicAccess", "acl", "bucketType"])("a public bucket: %s", (key) => {
    expect(refusal(changed({ [`offsite.${key}`]: "public-read" })).message).toContain("is private");
  });

  it("a store of the stack's own that repository 2 does not use", () => {
    const offsiteStore = { host: "host-a", address: "10.1.0.22" };
    expect(refusal(changed({ offsiteStore })).keys).toEqual(["restorable:offsiteStore.address"]);
    expect(refusal(changed({ offsiteStore, offsite: undefined, allowNoOffsite: true })).keys).toEqual([
      "restorable:offsiteStore",
    ]);
  });
});

describe("its secrets", () => {
  it.each([
    ["exportsIdentity", "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "is no age identity"],
    ["repo2CipherPass", goodSecrets.repo1CipherPass, "repository 1's passphrase"],
    ["offsiteReaderKey", goodSecrets.offsiteWriterKey, "the writer's key"],
  ])("%s is refused", (name, value, reason) => {
    const error = refusal(changed({}), { ...goodSecrets, [name]: value });
    expect(error.keys).toEqual([`restorable:${name}`]);
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain(value);
  });

  it("are those of its kind", () => {
    const offsite = { kind: "b2", region: "us-west-004", bucket: "offsite", failureDomain: "d" };
    const { b2Key, ...without } = goodSecrets;
    const { offsiteWriterKey, offsiteReaderKey, ...others } = goodSecrets;
    expect(refusal(changed({ offsite }), without).keys).toEqual(["restorable:b2Key"]);
    expect(() => accepted({ offsite }, others)).not.toThrow();
    expect(() => accepted({}, without)).not.toThrow();
    expect(refusal(changed({}), others).keys).toEqual(["restorable:offsiteWriterKey", "restorable:offsiteReaderKey"]);
  });
});
