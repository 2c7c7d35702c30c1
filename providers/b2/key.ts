import { authorizedAccount } from "./account.js";
import * as answers from "./answers.js";
import type { B2Client } from "./client.js";
import { B2Error } from "./errors.js";

/** What a key is to be: the resource's inputs. All of them mean another key. */
export interface KeyInputs {
  apiUrl: string;
  bucketId: string;
  /** Common start of the names of all keys of this use, those of other generations included. */
  namePrefix: string;
  /** Name of this very key: different whenever anything else of it is. */
  keyName: string;
  capabilities: string[];
  /** Start of the file names that it reaches; empty for all of the bucket. */
  filePrefix: string;
}

export interface KeyOutputs extends KeyInputs {
  keyId: string;
  key: string;
  /** Ids of the keys of this use that were there before: obsolete when this one is deleted. */
  predecessors: string[];
}

export const keyInputNames = [
  "apiUrl",
  "bucketId",
  "namePrefix",
  "keyName",
  "capabilities",
  "filePrefix",
] as const satisfies (keyof KeyInputs)[];

/**
 * Makes the key. One of the very same name comes from an update that never got to save its secret, which nobody has:
 * it is revoked first.
 */
export async function createKey(client: B2Client, inputs: KeyInputs): Promise<KeyOutputs> {
  const { accountId } = await authorizedAccount(client);
  for (let attempt = 1; ; attempt++) {
    const sameUse = await keysOf(client, accountId, inputs);
    const lost = sameUse.filter(({ keyName }) => keyName === inputs.keyName);
    for (const { applicationKeyId } of lost) await revoke(client, applicationKeyId);
    const predecessors = sameUse.filter((key) => !lost.includes(key)).map(({ applicationKeyId }) => applicationKeyId);
    try {
      const body = {
        accountId,
        keyName: inputs.keyName,
        capabilities: inputs.capabilities,
        bucketIds: [inputs.bucketId],
        ...(inputs.filePrefix ? { namePrefix: inputs.filePrefix } : {}),
      };
      const made = await client.call("create_key", body, answers.createdKey, { repeatable: false });
      const tooMuch = made.capabilities.filter((capability) => !inputs.capabilities.includes(capability));
      const bound = made.bucketIds?.length === 1 && made.bucketIds[0] === inputs.bucketId;
      if (tooMuch.length > 0 || !bound || (made.namePrefix ?? "") !== inputs.filePrefix) {
        await revoke(client, made.applicationKeyId);
        throw new Error(`key ${inputs.keyName} came out wider than asked for: it was revoked`);
      }
      return { ...inputs, keyId: made.applicationKeyId, key: made.applicationKey, predecessors };
    } catch (error) {
      // Perhaps made, its secret lost on the way: the next attempt revokes it by its name.
      if (!(error instanceof B2Error) || !error.maybeDone || attempt >= 5) throw error;
    }
  }
}

/** Whether the key is still there, and what the account says of it; undefined when it is gone or expired. */
export async function readKey(client: B2Client, keyId: string, inputs: KeyInputs): Promise<KeyInputs | undefined> {
  const { accountId } = await client.authorize();
  const { keys } = await client.call(
    "list_keys",
    { accountId, startApplicationKeyId: keyId, maxKeyCount: 1 },
    answers.keys,
  );
  const [found] = keys;
  if (found?.applicationKeyId !== keyId) return undefined;
  if (found.expirationTimestamp && found.expirationTimestamp <= Date.now()) return undefined;
  return {
    ...inputs,
    keyName: found.keyName,
    capabilities: sameSet(found.capabilities, inputs.capabilities) ? inputs.capabilities : found.capabilities,
    bucketId: found.bucketIds?.join(" ") ?? "",
    filePrefix: found.namePrefix ?? "",
  };
}

/** Revokes the key, and what was left of those before it. */
export async function deleteKey(
  client: B2Client,
  keyId: string,
  { predecessors }: Pick<KeyOutputs, "predecessors">,
): Promise<void> {
  for (const id of [keyId, ...predecessors]) await revoke(client, id);
}

async function revoke(client: B2Client, applicationKeyId: string): Promise<void> {
  try {
    await client.call("delete_key", { applicationKeyId }, answers.key);
  } catch (error) {
    if (!(error instanceof B2Error) || (error.status !== 400 && error.status !== 404)) throw error;
    // Gone already: by hand, or by an attempt whose answer was lost.
    const { accountId } = await client.authorize();
    const { keys } = await client.call(
      "list_keys",
      { accountId, startApplicationKeyId: applicationKeyId, maxKeyCount: 1 },
      answers.keys,
    );
    if (keys[0]?.applicationKeyId === applicationKeyId) throw error;
  }
}

/** All keys of this use on this bucket. */
async function keysOf(
  client: B2Client,
  accountId: string,
  { bucketId, namePrefix }: KeyInputs,
): Promise<answers.Key[]> {
  const found: answers.Key[] = [];
  let start: string | undefined;
  do {
    const page: answers.Keys = await client.call(
      "list_keys",
      { accountId, maxKeyCount: 1000, ...(start ? { startApplicationKeyId: start } : {}) },
      answers.keys,
    );
    found.push(
      ...page.keys.filter(({ keyName, bucketIds }) => keyName.startsWith(namePrefix) && bucketIds?.includes(bucketId)),
    );
    start = page.nextApplicationKeyId ?? undefined;
  } while (start);
  return found;
}

const sameSet = (a: string[], b: string[]) => a.length === b.length && a.every((one) => b.includes(one));
