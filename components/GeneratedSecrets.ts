import * as pulumi from "@pulumi/pulumi";
import { RandomBytes, RandomPassword } from "@pulumi/random";
import { ageIdentity } from "./ageIdentity.js";

/** Those that are access keys of a store. */
const accessKeys: readonly string[] = ["repo1Key", "offsiteWriterKey", "offsiteReaderKey"];
/** Those that are age identities. */
const identities: readonly string[] = ["exportsIdentity", "kubernetesIdentity"];

/**
 * Secrets made once and kept in the stack's state, for the lab. Protected, and deaf to changed arguments: a
 * cipher passphrase that is made anew would leave every backup unreadable.
 */
export class GeneratedSecrets<Name extends string> extends pulumi.ComponentResource {
  readonly values: Record<Name, pulumi.Output<string>>;

  /** @param secrets names of the stack's secrets that are to be made */
  constructor(name: string, secrets: readonly Name[], opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:GeneratedSecrets", name, {}, opts);
    const kept = { parent: this, protect: true, ignoreChanges: ["*"] };
    const make = (secret: Name): pulumi.Output<string> => {
      if (identities.includes(secret))
        return new RandomBytes(`${name}-${secret}`, { length: 32 }, kept).base64.apply(ageIdentity);
      const length = accessKeys.includes(secret) ? 20 : 40;
      return new RandomPassword(`${name}-${secret}`, { length, special: false }, kept).result;
    };
    this.values = Object.fromEntries(secrets.map((secret) => [secret, make(secret)])) as Record<
      Name,
      pulumi.Output<string>
    >;
    this.registerOutputs({});
  }
}
