import * as pulumi from "@pulumi/pulumi";

/** Credentials of one user of the bucket. */
export interface BucketKey {
  key: pulumi.Output<string>;
  /** Secret. */
  keySecret: pulumi.Output<string>;
}

/** An off-site bucket, whoever has it: what repository 2 needs of it. */
export interface OffsiteBucket {
  bucket: pulumi.Output<string>;
  endpoint: pulumi.Output<string>;
  region: pulumi.Output<string>;
  uriStyle: pulumi.Output<string>;
  /** Of the data nodes: reads and writes, and destroys no version. */
  writer: BucketKey;
  /** Of the drill host: reads only. */
  reader: BucketKey;
}

export interface ExistingBucketArgs {
  bucket: string;
  endpoint: string;
  region: string;
  uriStyle: string;
  writer: { key: pulumi.Input<string>; keySecret: pulumi.Input<string> };
  reader: { key: pulumi.Input<string>; keySecret: pulumi.Input<string> };
}

/** A bucket that somebody made, with two keys that exist. */
export function existingBucket({ writer, reader, ...place }: ExistingBucketArgs): OffsiteBucket {
  const hidden = ({ key, keySecret }: ExistingBucketArgs["writer"]): BucketKey => ({
    key: pulumi.output(key),
    keySecret: pulumi.secret(keySecret),
  });
  return {
    bucket: pulumi.output(place.bucket),
    endpoint: pulumi.output(place.endpoint),
    region: pulumi.output(place.region),
    uriStyle: pulumi.output(place.uriStyle),
    writer: hidden(writer),
    reader: hidden(reader),
  };
}
