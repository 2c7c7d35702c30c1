import { z } from "zod";

/** Answers of the B2 native API v4: the parts that are used. Other fields are let through unread. */

export const authorization = z.object({
  accountId: z.string().min(1),
  authorizationToken: z.string().min(1),
  apiInfo: z.object({
    storageApi: z.object({
      apiUrl: z.url(),
      s3ApiUrl: z.url(),
      allowed: z.object({
        /** Null for a key that reaches all buckets. */
        buckets: z.array(z.object({ id: z.string(), name: z.string().nullish() })).nullish(),
        capabilities: z.array(z.string()),
        namePrefix: z.string().nullish(),
      }),
    }),
  }),
});
export type Authorization = z.output<typeof authorization>;

const lifecycleRule = z.object({
  fileNamePrefix: z.string(),
  daysFromHidingToDeleting: z.number().nullish(),
  daysFromUploadingToHiding: z.number().nullish(),
  daysFromStartingToCancelingUnfinishedLargeFiles: z.number().nullish(),
});
export type LifecycleRule = z.output<typeof lifecycleRule>;

const period = z.object({ duration: z.number(), unit: z.string() });

export const bucket = z.object({
  accountId: z.string(),
  bucketId: z.string().min(1),
  bucketName: z.string().min(1),
  bucketType: z.string(),
  bucketInfo: z.record(z.string(), z.string()),
  lifecycleRules: z.array(lifecycleRule),
  revision: z.number(),
  defaultServerSideEncryption: z.object({
    isClientAuthorizedToRead: z.boolean(),
    value: z.object({ mode: z.string().nullish(), algorithm: z.string().nullish() }).nullish(),
  }),
  fileLockConfiguration: z.object({
    isClientAuthorizedToRead: z.boolean(),
    value: z
      .object({
        isFileLockEnabled: z.boolean().nullish(),
        defaultRetention: z.object({ mode: z.string().nullish(), period: period.nullish() }).nullish(),
      })
      .nullish(),
  }),
});
export type Bucket = z.output<typeof bucket>;

export const buckets = z.object({ buckets: z.array(bucket) });

export const key = z.object({
  accountId: z.string(),
  applicationKeyId: z.string().min(1),
  keyName: z.string(),
  capabilities: z.array(z.string()),
  bucketIds: z.array(z.string()).nullish(),
  namePrefix: z.string().nullish(),
  /** Milliseconds since 1970. */
  expirationTimestamp: z.number().nullish(),
});
export type Key = z.output<typeof key>;

export const createdKey = key.extend({ applicationKey: z.string().min(1) });
export type CreatedKey = z.output<typeof createdKey>;

export const keys = z.object({ keys: z.array(key), nextApplicationKeyId: z.string().nullish() });
export type Keys = z.output<typeof keys>;

/** Files of any kind: only whether there are some is asked. */
export const files = z.object({ files: z.array(z.object({ fileName: z.string() })) });

export const failure = z.object({ code: z.string(), message: z.string().default("") });
