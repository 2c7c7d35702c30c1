import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";

interface Resource {
  type: string;
  name: string;
  props: Record<string, unknown>;
}
type Report = (message: string) => void;
interface Policy {
  name: string;
  validateResource?: (args: Resource, report: Report) => void;
  validateStack?: (args: { resources: Resource[] }, report: Report) => void;
}

const require = createRequire(import.meta.url);
const policies: Policy[] = [
  ...require("../../policy/commands.cjs").commandPolicies,
  ...require("../../policy/repositories.cjs").repositoryPolicies,
  ...require("../../policy/buckets.cjs").bucketPolicies,
];

/** What each policy says of these resources: `name: message`. */
function judged(...resources: Resource[]): string[] {
  const said: string[] = [];
  for (const { name, validateResource, validateStack } of policies) {
    const report = (message: string) => said.push(`${name}: ${message}`);
    for (const resource of resources) validateResource?.(resource, report);
    validateStack?.({ resources }, report);
  }
  return said;
}

const good = {
  "repo1-type": "s3",
  "repo1-s3-endpoint": "10.0.0.1",
  "repo1-cipher-type": "aes-256-cbc",
  "repo1-retention-full": "4",
  "repo2-type": "s3",
  "repo2-s3-endpoint": "s3.region.cloud.net",
  "repo2-cipher-type": "aes-256-cbc",
  "repo2-retention-full-type": "time",
  "repo2-retention-full": "30",
};
const secrets = "SECRETS_CONF='[global]\nrepo1-s3-key=writer\nrepo1-cipher-pass=9fK2xQ7vLm4TzR8w9fK2xQ\n'\n";

/** A converge step with this configuration. */
const step = (options: Record<string, string | undefined>, props: Record<string, unknown> = {}): Resource => {
  const lines = Object.entries({ ...good, ...options }).flatMap(([key, value]) => (value ? [`${key}=${value}`] : []));
  const create = `/opt/step pgbackrest-node \\\n  MAJOR=17 \\\n  'CONF=[global]\n${lines.join("\n")}\n\n[main]\n'`;
  const connection = { host: "10.0.0.9", hostKey: "ssh-ed25519 AAAA" };
  return { type: "command:remote:Command", name: "node", props: { create, connection, stdin: secrets, ...props } };
};
const bucket = (props: Record<string, unknown>): Resource => ({
  type: "pulumi-nodejs:dynamic:Resource",
  name: "offsite",
  props,
});
const aws = (type: string, props: Record<string, unknown>): Resource => ({ type, name: "offsite", props });

describe("what is as it should be", () => {
  it("passes every policy", () => {
    const blocked = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true };
    expect(
      judged(
        step({}),
        bucket({ bucketType: "allPrivate" }),
        bucket({ capabilities: ["listBuckets", "listFiles", "readFiles", "writeFiles"] }),
        aws("aws:s3/bucket:Bucket", {}),
        aws("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", { ...blocked, restrictPublicBuckets: true }),
        aws("aws:s3/bucketPolicy:BucketPolicy", {
          policy: '{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*"}]}',
        }),
      ),
    ).toEqual([]);
  });

  it("says nothing of steps that are about something else", () => {
    expect(
      judged({ type: "command:remote:Command", name: "x", props: { create: "true", connection: { hostKey: "k" } } }),
    ).toEqual([]);
  });
});

describe("what is refused", () => {
  it.each<[string, Resource, string]>([
    ["no encryption", step({ "repo1-cipher-type": "none" }), "repository-encrypted: repository 1: cipher-type is none"],
    [
      "encryption left out",
      step({ "repo2-cipher-type": undefined }),
      "repository-encrypted: repository 2: cipher-type",
    ],
    ["TLS that is not verified", step({ "repo2-storage-verify-tls": "n" }), "repository-tls: repository 2:"],
    ["plain HTTP", step({ "repo1-s3-endpoint": "http://10.0.0.1" }), "repository-tls: repository 1:"],
    [
      "a single full backup",
      step({ "repo1-retention-full": "1" }),
      "repository-retention: repository 1: 1 full backup",
    ],
    ["six days off-site", step({ "repo2-retention-full": "6" }), "repository-retention: repository 2: 6 days"],
    ["no retention", step({ "repo2-retention-full": undefined }), "repository-retention: repository 2: retention-full"],
    ["one store for both", step({ "repo2-s3-endpoint": "10.0.0.1" }), "repositories-apart: repositories 1 and 2 share"],
    ["an unchecked host", step({}, { connection: { host: "10.0.0.9" } }), "host-key-checked:"],
    ["a secret in the command", step({ "repo1-cipher-pass": "x" }), "secrets-on-stdin: repo1-cipher-pass"],
    [
      "a placeholder",
      step({}, { stdin: secrets.replace("9fK2xQ7vLm4TzR8w9fK2xQ", "CHANGE_ME-and-more-of-it") }),
      "secrets-real: repo1-cipher-pass is empty or a placeholder",
    ],
    [
      "a short passphrase",
      step({}, { stdin: secrets.replace("9fK2xQ7vLm4TzR8w9fK2xQ", "9fK2xQ7v") }),
      "secrets-real: repo1-cipher-pass is shorter",
    ],
    ["a public bucket on B2", bucket({ bucketType: "allPublic" }), "bucket-private: bucketType is allPublic"],
    ["a key that can destroy", bucket({ capabilities: ["writeFiles", "deleteFiles"] }), "keys-restricted: its"],
    ["a public ACL", aws("aws:s3/bucketAcl:BucketAcl", { acl: "public-read" }), "bucket-private: its ACL"],
    [
      "a block of public access with a hole",
      aws("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", {
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
      }),
      "bucket-private: restrictPublicBuckets is not true",
    ],
    ["a bucket without a block", aws("aws:s3/bucket:Bucket", {}), "bucket-blocked: 1 buckets (offsite)"],
    [
      "a policy for everybody",
      aws("aws:s3/bucketPolicy:BucketPolicy", {
        policy: { Statement: { Effect: "Allow", Principal: { AWS: "*" }, Action: "s3:GetObject" } },
      }),
      "bucket-private: its policy allows everybody",
    ],
    [
      "a public domain on R2",
      aws("cloudflare:index/r2ManagedDomain:R2ManagedDomain", { enabled: true }),
      "bucket-private: its public",
    ],
  ])("%s", (_, resource, expected) => {
    const said = judged(resource);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(expected);
  });

  it("is never shown with a secret's value", () => {
    const said = judged(step({}, { stdin: secrets.replace("9fK2xQ7vLm4TzR8w9fK2xQ", "changeme-hush") }));
    expect(said.join()).not.toContain("hush");
  });
});
