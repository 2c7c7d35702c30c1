import * as buckets from "./bucket.js";
import { type BucketInputs, inPlace, replacing } from "./bucketState.js";
import { B2Client } from "./client.js";
import * as keys from "./key.js";

/** The account key, from the stack's configuration. */
export interface Credentials {
  keyId: string | undefined;
  key: string | undefined;
}

/** What a dynamic provider does; properties come from the state and from the program, unchecked by types. */
export interface Handler {
  diff(id: string, olds: Properties, news: Properties): Promise<{ changes: boolean; replaces: string[] }>;
  create(inputs: Properties): Promise<{ id: string; outs: Properties }>;
  read(id: string, props: Properties): Promise<{ id: string; props: Properties; inputs: Properties }>;
  update(id: string, olds: Properties, news: Properties): Promise<{ outs: Properties }>;
  delete(id: string, props: Properties): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the engine's own type of property bags
type Properties = any;

const clients = new Map<string, B2Client>();

/** One client per account key: it authorizes once for all resources. */
function clientFor({ apiUrl }: { apiUrl: string }, credentials: Credentials | undefined): B2Client {
  const { keyId, key } = credentials ?? {};
  if (!keyId || !key)
    throw new Error("b2KeyId and b2Key are not configured: pulumi config set --secret restorable:b2KeyId (and b2Key)");
  const id = JSON.stringify([apiUrl, keyId, key]);
  const client = clients.get(id) ?? new B2Client({ apiUrl, keyId, key });
  clients.set(id, client);
  return client;
}

const gone = { id: "", props: {}, inputs: {} };

const changed = (names: readonly string[], olds: Properties, news: Properties) =>
  names.filter((name) => JSON.stringify(olds[name]) !== JSON.stringify(news[name]));

const picked = (names: readonly string[], from: Properties): Properties =>
  Object.fromEntries(names.map((name) => [name, from[name]]));

const bucketNames = [...replacing, ...inPlace];

export function bucket(credentials: Credentials | undefined): Handler {
  const inputsOf = (from: Properties) => picked(bucketNames, from) as BucketInputs;
  return {
    diff: async (_id, olds, news) => {
      const replaces = changed(replacing, olds, news);
      return { changes: replaces.length > 0 || changed(inPlace, olds, news).length > 0, replaces };
    },
    create: async (inputs) => {
      const outs = await buckets.createBucket(clientFor(inputs, credentials), inputsOf(inputs));
      return { id: outs.bucketId, outs };
    },
    read: async (id, props) => {
      const found = await buckets.readBucket(clientFor(props, credentials), id, inputsOf(props));
      return found ? { id, props: found, inputs: inputsOf(found) } : gone;
    },
    update: async (id, olds, news) => ({
      outs: await buckets.updateBucket(clientFor(news, credentials), id, inputsOf(news), olds.marker),
    }),
    delete: (id, props) => buckets.deleteBucket(clientFor(props, credentials), id, inputsOf(props)),
  };
}

export function key(credentials: Credentials | undefined): Handler {
  const inputsOf = (from: Properties) => picked(keys.keyInputNames, from) as keys.KeyInputs;
  return {
    diff: async (_id, olds, news) => {
      const replaces = changed(keys.keyInputNames, olds, news);
      return { changes: replaces.length > 0, replaces };
    },
    create: async (inputs) => {
      const outs = await keys.createKey(clientFor(inputs, credentials), inputsOf(inputs));
      return { id: outs.keyId, outs };
    },
    read: async (id, props) => {
      const found = await keys.readKey(clientFor(props, credentials), id, inputsOf(props));
      return found ? { id, props: { ...props, ...found }, inputs: found } : gone;
    },
    update: async (_id, olds, news) => ({ outs: { ...olds, ...inputsOf(news) } }),
    delete: (id, props) => keys.deleteKey(clientFor(props, credentials), id, props),
  };
}
