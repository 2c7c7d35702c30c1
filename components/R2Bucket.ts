import { createHash } from "node:crypto";
import { AccountToken } from "@pulumi/cloudflare/accountToken.js";
import { getAccountApiTokenPermissionGroupsListOutput } from "@pulumi/cloudflare/getAccountApiTokenPermissionGroupsList.js";
import { R2Bucket as Bucket } from "@pulumi/cloudflare/r2bucket.js";
import { R2BucketLifecycle } from "@pulumi/cloudflare/r2bucketLifecycle.js";
import * as pulumi from "@pulumi/pulumi";
import type { BucketKey, OffsiteBucket } from "./OffsiteBucket.js";
import { bucketOptions, type MadeBucketArgs, unfinishedDays } from "./offsiteArgs.js";

export interface R2BucketArgs extends MadeBucketArgs {
  /** Cloudflare account: 32 hexadecimal digits. */
  accountId: string;
}

/** Permission of each token, by the name that Cloudflare gives it. The writer's includes deletion: R2 has none without. */
export const permissions = {
  writer: "Workers R2 Storage Bucket Item Write",
  reader: "Workers R2 Storage Bucket Item Read",
} as const;

type Role = keyof typeof permissions;

/**
 * A private Cloudflare R2 bucket (R2 encrypts everything) with a writing and a reading token, both limited to it.
 * R2 has neither versions nor keys for a folder: what the writer deletes is gone.
 */
export class R2Bucket extends pulumi.ComponentResource implements OffsiteBucket {
  readonly bucket: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly region: pulumi.Output<string>;
  readonly uriStyle: pulumi.Output<string>;
  readonly writer: BucketKey;
  readonly reader: BucketKey;

  /** @throws Error with object lock, which R2 has only in a form that pgBackRest cannot work with */
  constructor(name: string, args: R2BucketArgs, opts?: pulumi.ComponentResourceOptions) {
    if (args.objectLockDays > 0)
      throw new Error(
        "R2 locks whole prefixes, and pgBackRest overwrites backup.info and archive.info: no object lock",
      );
    super("restorable:index:R2Bucket", name, {}, opts);
    const child = { parent: this };
    const { accountId } = args;
    const made = new Bucket(`${name}-bucket`, { accountId, name: args.bucket }, bucketOptions(this, args.keepData));
    new R2BucketLifecycle(
      `${name}-lifecycle`,
      {
        accountId,
        bucketName: made.name,
        rules: [
          {
            id: "restorable-unfinished",
            enabled: true,
            conditions: { prefix: "" },
            abortMultipartUploadsTransition: { condition: { type: "Age", maxAge: unfinishedDays * 86_400 } },
          },
        ],
      },
      child,
    );
    const key = (role: Role): BucketKey => {
      const group = getAccountApiTokenPermissionGroupsListOutput(
        { accountId, name: encodeURIComponent(permissions[role]) },
        child,
      ).apply(({ results }) => idOf(results, permissions[role]));
      const { id, value } = new AccountToken(
        `${name}-${role}-token-${args.keyGeneration}`,
        {
          accountId,
          name: `${args.bucket}-${role}-${args.keyGeneration}`,
          policies: [
            {
              effect: "allow",
              permissionGroups: [{ id: group }],
              resources: made.name.apply((bucket) => JSON.stringify({ [resourceOf(accountId, bucket)]: "*" })),
            },
          ],
        },
        { ...child, additionalSecretOutputs: ["value"] },
      );
      return { key: id, keySecret: pulumi.secret(value.apply(s3Secret)) };
    };
    this.writer = key("writer");
    this.reader = key("reader");
    this.bucket = made.name;
    const known = <T>(value: T) => made.id.apply(() => value);
    this.endpoint = known(args.endpoint);
    this.region = known(args.region);
    this.uriStyle = known(args.uriStyle);
    this.registerOutputs({});
  }
}

/** The S3 secret of a token: R2 derives it from the token's value. */
export const s3Secret = (value: string): string => createHash("sha256").update(value).digest("hex");

/** Name of a bucket of the default jurisdiction in a token's policy. */
export const resourceOf = (accountId: string, bucket: string): string =>
  `com.cloudflare.edge.r2.bucket.${accountId}_default_${bucket}`;

/** @throws Error when the account does not know the permission */
export function idOf(groups: readonly { id: string; name: string }[], wanted: string): string {
  const found = groups.find(({ name }) => name === wanted);
  if (!found) throw new Error(`Cloudflare does not know the permission "${wanted}"`);
  return found.id;
}
