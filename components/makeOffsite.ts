import type * as pulumi from "@pulumi/pulumi";
import { existingBucket, type OffsiteBucket } from "./OffsiteBucket.js";
import type { MadeBucketArgs } from "./offsiteArgs.js";

/** A key that exists. */
interface GivenKey {
  key: pulumi.Input<string>;
  keySecret: pulumi.Input<string>;
}

export interface MakeOffsiteArgs extends MadeBucketArgs {
  kind: "b2" | "s3" | "r2" | "existing";
  /** Where B2 authorizes the account key (b2). */
  apiUrl: string;
  /** Cloudflare account (r2). */
  accountId?: string;
  /** The two keys of a bucket that exists; asked for with that kind only. */
  existing: () => { writer: GivenKey; reader: GivenKey };
}

/**
 * The off-site bucket of the kind that is wanted. The code of the other kinds is not loaded: the AWS and Cloudflare
 * packages are big, and a stack that needs them not needs their plugins neither.
 */
export async function makeOffsite(name: string, args: MakeOffsiteArgs): Promise<OffsiteBucket> {
  const { kind, accountId = "" } = args;
  switch (kind) {
    case "b2": {
      const { B2Bucket } = await import("./B2Bucket.js");
      return new B2Bucket(name, args);
    }
    case "s3": {
      const { S3Bucket } = await import("./S3Bucket.js");
      return new S3Bucket(name, args);
    }
    case "r2": {
      const { R2Bucket } = await import("./R2Bucket.js");
      return new R2Bucket(name, { ...args, accountId });
    }
    case "existing":
      return existingBucket({ ...args, ...args.existing() });
  }
}
