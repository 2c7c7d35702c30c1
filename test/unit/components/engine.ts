import * as pulumi from "@pulumi/pulumi";
import type { MockCallArgs, MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";
import * as mocks from "@pulumi/pulumi/runtime/mocks.js";

/** A value that reached the engine marked as secret. */
export class Secret {
  constructor(readonly value: unknown) {}
}

/** One registration as the engine gets it. */
export interface Registered {
  type: string;
  name: string;
  /** Inputs; a part that is marked as secret is a {@link Secret}. */
  inputs: Record<string, unknown>;
  /** Names of parent, of all dependencies (those of inputs included) and of what this is deleted with. */
  parent: string;
  dependencies: string[];
  deletedWith: string;
  protect: boolean;
  ignoreChanges: string[];
}

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProtect(): boolean;
  getDeletedwith(): string;
  getDependenciesList(): string[];
  getIgnorechangesList(): string[];
  getObject(): { toJavaScript(): Record<string, unknown> };
}

type Register = (request: Request, callback: unknown) => Promise<void>;

const signature = "4dabf18193072939515e22adb298388d";
const nameOf = (urn: string) => urn.slice(urn.lastIndexOf("::") + 2);

function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (value === null || typeof value !== "object") return value;
  const object = value as Record<string, unknown>;
  if (object[signature] !== undefined) return new Secret(revealed(object.value));
  return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, revealed(inner)]));
}

/**
 * Starts the mocked engine of this test file; the SDK has one per process. Commands answer with `NAME stdout`,
 * passwords are `NAME-password`.
 *
 * @param call answers invokes; with their own arguments unless given
 * @returns what gets registered, in the order in which the engine hears of it
 */
export async function startEngine(
  stack = "lab",
  call: (args: MockCallArgs) => Record<string, unknown> = ({ inputs }) => inputs,
): Promise<Registered[]> {
  const registered: Registered[] = [];
  // The public mocks see neither dependencies nor what is secret: the request itself has both.
  const prototype = (mocks as unknown as { MockMonitor: { prototype: { registerResource: Register } } }).MockMonitor
    .prototype;
  const original = prototype.registerResource;
  prototype.registerResource = function (request, callback) {
    registered.push({
      type: request.getType(),
      name: request.getName(),
      inputs: revealed(request.getObject().toJavaScript()) as Record<string, unknown>,
      parent: nameOf(request.getParent()),
      dependencies: [...new Set(request.getDependenciesList().map(nameOf))].sort(),
      deletedWith: nameOf(request.getDeletedwith()),
      protect: request.getProtect(),
      ignoreChanges: request.getIgnorechangesList(),
    });
    return original.call(this, request, callback);
  };
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, type, inputs }: MockResourceArgs) => {
        const state: Record<string, unknown> = { ...inputs };
        if (type === "command:remote:Command") state.stdout = `${name} stdout`;
        if (type === "random:index/randomPassword:RandomPassword") state.result = pulumi.secret(`${name}-password`);
        if (type === "random:index/randomBytes:RandomBytes") state.base64 = pulumi.secret(btoa(`${name}-password`));
        if (type === "pulumi:pulumi:StackReference") state.outputs = {};
        if (type === "pulumi-nodejs:dynamic/b2:Bucket") state.bucketId = `${name}-id`;
        if (type === "pulumi-nodejs:dynamic/b2:Key") {
          state.keyId = `${name}-id`;
          state.key = pulumi.secret(`${name} secret`);
        }
        if (type === "aws:s3/bucket:Bucket") state.arn = `arn:${name}`;
        if (type === "aws:iam/accessKey:AccessKey") state.secret = pulumi.secret(`${name} secret`);
        if (type === "cloudflare:index/accountToken:AccountToken") state.value = pulumi.secret("token-value");
        return { id: `${name}-id`, state };
      },
      call,
    },
    "restorable",
    stack,
    false,
    "organization",
  );
  return registered;
}

/** Waits until everything that was constructed has been registered. */
export async function settled(): Promise<void> {
  await (pulumi.runtime as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs();
}

/** The registration of that name among custom resources. @throws Error when there is none */
export function named(registered: readonly Registered[], name: string): Registered {
  const found = registered.find((it) => it.name === name && it.type === "command:remote:Command");
  if (!found) throw new Error(`no command ${name} among ${registered.map((it) => it.name).join(", ")}`);
  return found;
}

/** An output's value and whether it is secret. */
export function known<T>(output: pulumi.Output<T>): Promise<{ value: T; secret: boolean }> {
  return new Promise((resolve) => {
    output.apply(async (value) => resolve({ value: value as T, secret: await pulumi.isSecret(output) }));
  });
}
