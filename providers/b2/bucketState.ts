import type { Bucket, LifecycleRule } from "./answers.js";

/** Key in a bucket's info that says who made it; its value is the marker. */
export const ownerKey = "restorable-owner";

/** What a bucket is to be: the resource's inputs, as a preview shows them. */
export interface BucketInputs {
  /** Where authorization is asked for. */
  apiUrl: string;
  bucketName: string;
  /** Who made it, kept in the bucket's info: only what carries it is adopted or deleted. */
  marker: string;
  /** S3 endpoint and its port that the settings name: the account must answer with the same. */
  endpoint: string;
  port: number;
  bucketType: string;
  /** Default encryption: `SSE-B2`. */
  encryption: string;
  /** Days until what was hidden or overwritten is destroyed. */
  hiddenDays: number;
  /** Days until the parts of an upload that never ended are destroyed. */
  unfinishedDays: number;
  /** Days until a file is hidden for its age; 0 always: pgBackRest owns expiry. */
  hideAfterDays: number;
  /** Default retention: days, `governance` or `compliance`; 0 and `none` without object lock. */
  lockDays: number;
  lockMode: string;
}

/** Properties that an update changes in place. */
export const inPlace = [
  "marker",
  "endpoint",
  "port",
  "bucketType",
  "encryption",
  "hiddenDays",
  "unfinishedDays",
  "hideAfterDays",
  "lockDays",
  "lockMode",
] as const satisfies (keyof BucketInputs)[];

/** Properties that mean another bucket. */
export const replacing = ["apiUrl", "bucketName"] as const satisfies (keyof BucketInputs)[];

/** What the account says of the bucket, in the words of the inputs. */
export function actualInputs(bucket: Bucket, inputs: BucketInputs): BucketInputs {
  const rule = ownRule(bucket.lifecycleRules);
  const lock = bucket.fileLockConfiguration.value;
  const retention = lock?.isFileLockEnabled ? lock.defaultRetention : undefined;
  const days = daysOf(retention?.period);
  return {
    ...inputs,
    bucketName: bucket.bucketName,
    marker: bucket.bucketInfo[ownerKey] ?? "",
    bucketType: bucket.bucketType,
    encryption: bucket.defaultServerSideEncryption.value?.mode ?? "none",
    hiddenDays: rule?.daysFromHidingToDeleting ?? 0,
    unfinishedDays: rule?.daysFromStartingToCancelingUnfinishedLargeFiles ?? 0,
    hideAfterDays: bucket.lifecycleRules.reduce((least, { daysFromUploadingToHiding: d }) => (d ? d : least), 0),
    lockDays: days,
    lockMode: days > 0 ? (retention?.mode ?? "none") : "none",
  };
}

/** The rule for all of the bucket; a further rule makes the whole of them ours to put back. */
function ownRule(rules: LifecycleRule[]): LifecycleRule | undefined {
  return rules.length === 1 && rules[0]?.fileNamePrefix === "" ? rules[0] : undefined;
}

const daysOf = (period: { duration: number; unit: string } | null | undefined): number =>
  period ? period.duration * (period.unit === "years" ? 365 : 1) : 0;

/** Fields of `b2_create_bucket`; default retention is only set by an update. */
export function createFields(inputs: BucketInputs): Record<string, unknown> {
  return {
    bucketName: inputs.bucketName,
    bucketType: inputs.bucketType,
    bucketInfo: { [ownerKey]: inputs.marker },
    lifecycleRules: lifecycleRules(inputs),
    defaultServerSideEncryption: encryption(inputs),
    fileLockEnabled: inputs.lockDays > 0,
  };
}

/** Fields of `b2_update_bucket` that bring the bucket to the inputs, what others put into its info kept. */
export function updateFields(inputs: BucketInputs, bucket: Bucket): Record<string, unknown> {
  const locked = bucket.fileLockConfiguration.value?.isFileLockEnabled === true;
  return {
    bucketId: bucket.bucketId,
    bucketType: inputs.bucketType,
    bucketInfo: { ...bucket.bucketInfo, [ownerKey]: inputs.marker },
    lifecycleRules: lifecycleRules(inputs),
    defaultServerSideEncryption: encryption(inputs),
    // Object lock cannot be taken off a bucket again: without it wanted, nothing is retained by default.
    ...(inputs.lockDays > 0 && !locked ? { fileLockEnabled: true } : {}),
    ...(inputs.lockDays > 0 || locked ? { defaultRetention: retention(inputs) } : {}),
    ifRevisionIs: bucket.revision,
  };
}

const retention = ({ lockDays, lockMode }: BucketInputs) =>
  lockDays > 0 ? { mode: lockMode, period: { duration: lockDays, unit: "days" } } : { mode: null };

const encryption = ({ encryption: mode }: BucketInputs) => ({ mode, algorithm: "AES256" });

const lifecycleRules = ({ hiddenDays, unfinishedDays }: BucketInputs) => [
  {
    fileNamePrefix: "",
    daysFromHidingToDeleting: hiddenDays,
    daysFromUploadingToHiding: null,
    daysFromStartingToCancelingUnfinishedLargeFiles: unfinishedDays,
  },
];
