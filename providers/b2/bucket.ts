import { authorizedAccount } from "./account.js";
import * as answers from "./answers.js";
import { actualInputs, type BucketInputs, createFields, inPlace, ownerKey, updateFields } from "./bucketState.js";
import type { B2Client } from "./client.js";
import { B2Error } from "./errors.js";

export interface BucketOutputs extends BucketInputs {
  bucketId: string;
  accountId: string;
}

/**
 * Makes the bucket. One of this name that carries the marker was made by an update that never got to save it: it is
 * adopted.
 *
 * @throws Error for a bucket that others made, a public one, another endpoint than the settings name
 */
export async function createBucket(client: B2Client, inputs: BucketInputs): Promise<BucketOutputs> {
  const { accountId } = await account(client, inputs);
  const there = await byName(client, accountId, inputs.bucketName);
  const made = there ? adopted(there, inputs) : await make(client, accountId, inputs);
  return bring(client, accountId, made, inputs);
}

/** What is really there; undefined when the bucket is gone. */
export async function readBucket(
  client: B2Client,
  bucketId: string,
  inputs: BucketInputs,
): Promise<BucketOutputs | undefined> {
  const { accountId } = await client.authorize();
  const found = await one(client, accountId, { bucketId });
  return found && { ...actualInputs(found, inputs), bucketId, accountId };
}

/** Brings what can be changed in place to the inputs. @throws Error when the bucket is gone or not ours */
export async function updateBucket(
  client: B2Client,
  bucketId: string,
  inputs: BucketInputs,
  formerMarker: string,
): Promise<BucketOutputs> {
  const { accountId } = await account(client, inputs);
  const found = await one(client, accountId, { bucketId });
  if (!found) throw new Error(`bucket ${inputs.bucketName} is gone: run pulumi refresh, then the update again`);
  const marker = found.bucketInfo[ownerKey];
  if (marker !== undefined && marker !== inputs.marker && marker !== formerMarker) throw notOurs(found, inputs.marker);
  return bring(client, accountId, found, inputs);
}

/**
 * Deletes the bucket when it is empty; one that is gone is deleted already.
 *
 * @throws Error when it holds anything, hidden versions included, or is not ours
 */
export async function deleteBucket(client: B2Client, bucketId: string, inputs: BucketInputs): Promise<void> {
  const { accountId } = await client.authorize();
  const found = await one(client, accountId, { bucketId });
  if (!found) return;
  if (found.bucketInfo[ownerKey] !== inputs.marker) throw notOurs(found, inputs.marker);
  const [versions, unfinished] = await Promise.all([
    client.call("list_file_versions", { bucketId, maxFileCount: 1 }, answers.files),
    client.call("list_unfinished_large_files", { bucketId, maxFileCount: 1 }, answers.files),
  ]);
  if (versions.files.length > 0 || unfinished.files.length > 0) throw notEmpty(found.bucketName);
  try {
    await client.call("delete_bucket", { accountId, bucketId }, answers.bucket);
  } catch (error) {
    if (error instanceof B2Error && error.code === "cannot_delete_non_empty_bucket") throw notEmpty(found.bucketName);
    // Repeated after the connection was cut: it may be gone by now.
    if (await one(client, accountId, { bucketId })) throw error;
  }
}

async function account(client: B2Client, { endpoint, port }: BucketInputs): Promise<{ accountId: string }> {
  const { accountId, apiInfo } = await authorizedAccount(client);
  const s3 = new URL(apiInfo.storageApi.s3ApiUrl);
  const s3Port = Number(s3.port || 443);
  if (s3.hostname !== endpoint || s3Port !== port)
    throw new Error(
      `the account's S3 endpoint is ${s3.hostname}:${s3Port}, the settings say ${endpoint}:${port}: set offsite.region or offsite.endpoint`,
    );
  return { accountId };
}

async function make(client: B2Client, accountId: string, inputs: BucketInputs): Promise<answers.Bucket> {
  try {
    return await client.call("create_bucket", { accountId, ...createFields(inputs) }, answers.bucket);
  } catch (error) {
    if (!(error instanceof B2Error) || error.code !== "duplicate_bucket_name") throw error;
    // Made by an attempt whose answer was lost, or somebody else's: names are shared by all of B2.
    const there = await byName(client, accountId, inputs.bucketName);
    if (!there)
      throw new Error(`bucket name ${inputs.bucketName} is taken by another account: choose another offsite.bucket`);
    return adopted(there, inputs);
  }
}

function adopted(found: answers.Bucket, inputs: BucketInputs): answers.Bucket {
  if (found.bucketInfo[ownerKey] !== inputs.marker) throw notOurs(found, inputs.marker);
  if (found.bucketType !== inputs.bucketType)
    throw new Error(`bucket ${found.bucketName} is ${found.bucketType}: it is not taken over. Make it private first`);
  return found;
}

/** Updates what differs; asked again when another update came in between. */
async function bring(
  client: B2Client,
  accountId: string,
  start: answers.Bucket,
  inputs: BucketInputs,
): Promise<BucketOutputs> {
  let bucket = start;
  for (let attempt = 1; ; attempt++) {
    const actual = actualInputs(bucket, inputs);
    const { bucketId } = bucket;
    if (inPlace.every((name) => actual[name] === inputs[name])) return { ...inputs, bucketId, accountId };
    if (attempt > 5)
      throw new Error(
        `bucket ${bucket.bucketName} does not keep its settings: ${differences(actual, inputs)} (are the account key's rights enough?)`,
      );
    try {
      bucket = await client.call("update_bucket", { accountId, ...updateFields(inputs, bucket) }, answers.bucket);
    } catch (error) {
      if (!(error instanceof B2Error) || error.status !== 409) throw error;
      const again = await one(client, accountId, { bucketId });
      if (!again) throw new Error(`bucket ${inputs.bucketName} was deleted meanwhile`);
      bucket = again;
    }
  }
}

const differences = (actual: BucketInputs, inputs: BucketInputs) =>
  inPlace
    .filter((name) => actual[name] !== inputs[name])
    .map((name) => `${name} ${actual[name]} instead of ${inputs[name]}`)
    .join(", ");

const byName = (client: B2Client, accountId: string, bucketName: string) => one(client, accountId, { bucketName });

async function one(
  client: B2Client,
  accountId: string,
  which: { bucketId: string } | { bucketName: string },
): Promise<answers.Bucket | undefined> {
  const { buckets } = await client.call("list_buckets", { accountId, ...which }, answers.buckets);
  return buckets[0];
}

const notOurs = ({ bucketName, bucketInfo }: answers.Bucket, marker: string) =>
  new Error(
    `bucket ${bucketName} was not made by this stack (bucket info ${ownerKey}: ${bucketInfo[ownerKey] ?? "none"}, not ${marker}): choose another name, or hand it over with b2 bucket update --bucket-info`,
  );

const notEmpty = (bucketName: string) =>
  new Error(
    `bucket ${bucketName} is not empty (hidden versions count): nothing was deleted. Without its backups: b2 rm --versions --recursive b2://${bucketName}, then again. With them: pulumi state delete takes it out of the stack only`,
  );
