import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { B2Bucket, type B2BucketArgs } from "../../../components/B2Bucket.js";
import type { BucketKey } from "../../../components/OffsiteBucket.js";

const config = new pulumi.Config();
const bucket = new B2Bucket("offsite", config.requireObject<B2BucketArgs>("offsite"));

/** What a converge step is to the real hosts: takes the key on standard input, and is run again when it changes. */
const host = (role: string, { key, keySecret }: BucketKey) =>
  new local.Command(
    `host-${role}`,
    {
      create: pulumi.interpolate`${config.require("converge")} ${role} ${key}`,
      stdin: keySecret,
      addPreviousOutputInEnv: false,
    },
    { parent: bucket },
  );
host("writer", bucket.writer);
host("reader", bucket.reader);

export const { endpoint, region, uriStyle } = bucket;
export const bucketName = bucket.bucket;
export const writerKey = bucket.writer;
