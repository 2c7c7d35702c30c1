import { AccessKey } from "@pulumi/aws/iam/accessKey.js";
import { User } from "@pulumi/aws/iam/user.js";
import { UserPolicy } from "@pulumi/aws/iam/userPolicy.js";
import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import * as pulumi from "@pulumi/pulumi";
import type { BucketKey, OffsiteBucket } from "./OffsiteBucket.js";
import { bucketOptions, type MadeBucketArgs, prefixes, unfinishedDays } from "./offsiteArgs.js";

/** What each user may do with the objects in its folders. No `DeleteObjectVersion`: a deletion is a marker. */
export const objectActions = {
  writer: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
  reader: ["s3:GetObject", "s3:GetObjectVersion"],
} as const;

type Role = keyof typeof objectActions;

/** A private, encrypted, versioned AWS S3 bucket with a writing and a reading IAM user, both limited to its folders. */
export class S3Bucket extends pulumi.ComponentResource implements OffsiteBucket {
  readonly bucket: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly region: pulumi.Output<string>;
  readonly uriStyle: pulumi.Output<string>;
  readonly writer: BucketKey;
  readonly reader: BucketKey;

  constructor(name: string, args: MadeBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:S3Bucket", name, {}, opts);
    const child = { parent: this };
    const { region } = args;
    const made = new Bucket(
      `${name}-bucket`,
      {
        bucket: args.bucket,
        region,
        objectLockEnabled: args.objectLockDays > 0,
        forceDestroy: false,
        tags: { "restorable-owner": args.owner },
      },
      bucketOptions(this, args.keepData),
    );
    const bucket = made.id;
    const closed = new BucketPublicAccessBlock(
      `${name}-private`,
      {
        bucket,
        region,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      child,
    );
    new BucketOwnershipControls(
      `${name}-ownership`,
      { bucket, region, rule: { objectOwnership: "BucketOwnerEnforced" } },
      child,
    );
    const versioning = new BucketVersioning(
      `${name}-versioning`,
      { bucket, region, versioningConfiguration: { status: "Enabled" } },
      child,
    );
    const encryption = new BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      { bucket, region, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
      child,
    );
    new BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        bucket,
        region,
        rules: [
          {
            id: "restorable-hidden",
            status: "Enabled",
            filter: { prefix: "" },
            noncurrentVersionExpiration: { noncurrentDays: args.hiddenDays },
            // Of what is deleted, only the marker is left in the end. Nothing expires for its age: pgBackRest owns that.
            expiration: { expiredObjectDeleteMarker: true },
            abortIncompleteMultipartUpload: { daysAfterInitiation: unfinishedDays },
          },
        ],
      },
      { ...child, dependsOn: [versioning] },
    );
    if (args.objectLockDays > 0)
      new BucketObjectLockConfiguration(
        `${name}-lock`,
        {
          bucket,
          region,
          rule: { defaultRetention: { mode: args.objectLockMode.toUpperCase(), days: args.objectLockDays } },
        },
        { ...child, dependsOn: [versioning] },
      );
    new BucketPolicy(
      `${name}-policy`,
      { bucket, region, policy: made.arn.apply((arn) => JSON.stringify(onlyTls(arn))) },
      { ...child, dependsOn: [closed] },
    );

    const key = (role: Role): BucketKey => {
      const user = new User(
        `${name}-${role}`,
        { name: `${args.bucket}-${role}`.slice(0, 64), tags: { "restorable-owner": args.owner } },
        child,
      );
      const policy = new UserPolicy(
        `${name}-${role}-policy`,
        { user: user.name, policy: made.arn.apply((arn) => JSON.stringify(leastPolicy(arn, role, args.folders))) },
        child,
      );
      // A generation is a key of its own: the old one goes once its users have the new one. IAM allows two per user.
      const { id, secret } = new AccessKey(
        `${name}-${role}-key-${args.keyGeneration}`,
        { user: user.name },
        { ...child, dependsOn: [policy, versioning, encryption, closed] },
      );
      return { key: id, keySecret: pulumi.secret(secret) };
    };
    this.writer = key("writer");
    this.reader = key("reader");
    this.bucket = bucket;
    const known = <T>(value: T) => bucket.apply(() => value);
    this.endpoint = known(args.endpoint);
    this.region = known(region);
    this.uriStyle = known(args.uriStyle);
    this.registerOutputs({});
  }
}

/** What a user may do: list its folders, and its actions on what is in them. */
export function leastPolicy(arn: string, role: Role, folders: readonly string[]): object {
  const starts = prefixes(folders);
  return {
    Version: "2012-10-17",
    Statement: [
      { Sid: "Where", Effect: "Allow", Action: ["s3:GetBucketLocation"], Resource: arn },
      {
        Sid: "List",
        Effect: "Allow",
        Action: ["s3:ListBucket", "s3:ListBucketVersions"],
        Resource: arn,
        Condition: { StringLike: { "s3:prefix": starts.map((start) => `${start}*`) } },
      },
      {
        Sid: "Objects",
        Effect: "Allow",
        Action: [...objectActions[role]],
        Resource: starts.map((start) => `${arn}/${start}*`),
      },
    ],
  };
}

/** Refuses every request that does not come over TLS. */
export function onlyTls(arn: string): object {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "OnlyTls",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  };
}
