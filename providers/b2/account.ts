import type { Authorization } from "./answers.js";
import type { B2Client } from "./client.js";

/** What the account key must be able to do. */
export const neededCapabilities = [
  "listBuckets",
  "readBuckets",
  "writeBuckets",
  "deleteBuckets",
  "readBucketEncryption",
  "writeBucketEncryption",
  "readBucketRetentions",
  "writeBucketRetentions",
  "listFiles",
  "listKeys",
  "writeKeys",
  "deleteKeys",
] as const;

/**
 * Asks who the account key is, and refuses one that cannot do all of its work before anything is touched.
 *
 * @throws Error that names every capability that is missing
 */
export async function authorizedAccount(client: B2Client): Promise<Authorization> {
  const given = await client.authorize();
  const { allowed } = given.apiInfo.storageApi;
  const missing = neededCapabilities.filter((capability) => !allowed.capabilities.includes(capability));
  if (missing.length > 0)
    throw new Error(`the account key b2KeyId lacks ${missing.join(", ")}: use one that has them (docs/offsite.md)`);
  if (allowed.buckets || allowed.namePrefix)
    throw new Error("the account key b2KeyId is limited to some buckets: it cannot make buckets and keys of its own");
  return given;
}
