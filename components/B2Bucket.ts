import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { B2BucketResource, B2KeyResource } from "../providers/b2/resources.js";
import type { BucketKey, OffsiteBucket } from "./OffsiteBucket.js";
import { bucketOptions, commonPrefix, type MadeBucketArgs, unfinishedDays } from "./offsiteArgs.js";

export interface B2BucketArgs extends MadeBucketArgs {
  /** Where B2 authorizes the account key. */
  apiUrl: string;
}

/**
 * What each key may do. The writer has no `deleteFiles`: what it deletes or overwrites is hidden, and only the
 * lifecycle destroys it. Neither has `writeKeys`, which amounts to the whole account.
 */
export const capabilities = {
  writer: ["listBuckets", "listFiles", "readFiles", "writeFiles"],
  reader: ["listBuckets", "listFiles", "readFiles"],
} as const;

/** A private, encrypted Backblaze B2 bucket with a writer's and a reader's key, both limited to it. */
export class B2Bucket extends pulumi.ComponentResource implements OffsiteBucket {
  readonly bucket: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly region: pulumi.Output<string>;
  readonly uriStyle: pulumi.Output<string>;
  readonly writer: BucketKey;
  readonly reader: BucketKey;

  constructor(name: string, args: B2BucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:B2Bucket", name, {}, opts);
    const made = new B2BucketResource(
      `${name}-bucket`,
      {
        apiUrl: args.apiUrl,
        bucketName: args.bucket,
        marker: args.owner,
        endpoint: args.endpoint,
        port: args.port,
        bucketType: "allPrivate",
        encryption: "SSE-B2",
        hiddenDays: args.hiddenDays,
        unfinishedDays,
        hideAfterDays: 0,
        lockDays: args.objectLockDays,
        lockMode: args.objectLockDays > 0 ? args.objectLockMode : "none",
      },
      bucketOptions(this, args.keepData),
    );
    const key = (role: keyof typeof capabilities): BucketKey => {
      const { keyId, key } = new B2KeyResource(
        `${name}-${role}`,
        { apiUrl: args.apiUrl, bucketId: made.bucketId, ...b2Key(role, args) },
        { parent: this },
      );
      return { key: keyId, keySecret: pulumi.secret(key) };
    };
    this.writer = key("writer");
    this.reader = key("reader");
    // Known only once the bucket is there: whoever uses one of these waits for it.
    const known = <T>(value: T) => made.bucketId.apply(() => value);
    this.bucket = known(args.bucket);
    this.endpoint = known(args.endpoint);
    this.region = known(args.region);
    this.uriStyle = known(args.uriStyle);
    this.registerOutputs({});
  }
}

/** Name and rights of one key. Another generation, or other rights, give another name: names tell keys apart. */
export function b2Key(
  role: keyof typeof capabilities,
  { owner, folders, keyGeneration }: Pick<B2BucketArgs, "owner" | "folders" | "keyGeneration">,
): { namePrefix: string; keyName: string; capabilities: string[]; filePrefix: string } {
  const filePrefix = commonPrefix(folders);
  const rights = [...capabilities[role]];
  const hash = createHash("sha256")
    .update(JSON.stringify([owner, rights, filePrefix]))
    .digest("hex")
    .slice(0, 8);
  const namePrefix = `${owner.replace(/[^A-Za-z0-9-]+/g, "-").slice(0, 60)}-${role}-`;
  return { namePrefix, keyName: `${namePrefix}g${keyGeneration}-${hash}`, capabilities: rights, filePrefix };
}
