import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import type { BucketInputs } from "./bucketState.js";
import type * as handlers from "./handlers.js";
import type { KeyInputs } from "./key.js";

/**
 * Dynamic providers are kept in the stack's state as text, so they hold nothing but the way to the code: relative to
 * the program's folder, which is also the provider process' working directory. The account key never enters the state:
 * it is read from the stack's configuration, as a provider's own credentials are.
 */
const code = relative(process.cwd(), fileURLToPath(new URL("handlers.ts", import.meta.url)));

type Kind = "bucket" | "key";

function providerOf(kind: Kind): pulumi.dynamic.ResourceProvider {
  const held: { config?: { keyId: string | undefined; key: string | undefined } } = {};
  const handler = (): handlers.Handler => {
    // Nothing says that the process which runs this can load TypeScript by itself.
    const tsx = require("tsx/cjs/api") as typeof import("tsx/cjs/api");
    const folder = process.cwd();
    return (tsx.require(`${folder}/${code}`, `${folder}/package.json`) as typeof handlers)[kind](held.config);
  };
  return {
    configure: async ({ config }) => {
      held.config = { keyId: config.get("b2KeyId"), key: config.get("b2Key") };
    },
    diff: async (id, olds, news) => handler().diff(id, olds, news),
    create: async (inputs) => handler().create(inputs),
    read: async (id, props) => handler().read(id, props),
    update: async (id, olds, news) => handler().update(id, olds, news),
    delete: async (id, props) => handler().delete(id, props),
  };
}

const bucketProvider = providerOf("bucket");
const keyProvider = providerOf("key");

type Inputs<T> = { [Name in keyof T]: pulumi.Input<T[Name]> };

/** A B2 bucket, by the native API. Configuration: `b2KeyId`, `b2Key`. */
export class B2BucketResource extends pulumi.dynamic.Resource {
  declare readonly bucketId: pulumi.Output<string>;

  constructor(name: string, inputs: Inputs<BucketInputs>, opts?: pulumi.CustomResourceOptions) {
    super(bucketProvider, name, { ...inputs, bucketId: undefined, accountId: undefined }, opts, "b2", "Bucket");
  }
}

/** A B2 application key, its secret known to the state alone. */
export class B2KeyResource extends pulumi.dynamic.Resource {
  declare readonly keyId: pulumi.Output<string>;
  declare readonly key: pulumi.Output<string>;

  constructor(name: string, inputs: Inputs<KeyInputs>, opts?: pulumi.CustomResourceOptions) {
    const unset = { keyId: undefined, key: undefined, predecessors: undefined };
    super(keyProvider, name, { ...inputs, ...unset }, { ...opts, additionalSecretOutputs: ["key"] }, "b2", "Key");
  }
}
