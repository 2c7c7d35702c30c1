import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { Client } from "@grpc/grpc-js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";

// CommonJS as generated: named imports of them do not work from here.
const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js") as typeof import("@grpc/grpc-js");
const engineService = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
const providerService = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const proto = require("@pulumi/pulumi/proto/provider_pb.js");
const { Status } = require("@pulumi/pulumi/proto/status_pb.js");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
/** What the engine sends for a value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A secret as it travels. */
export const secret = (value: unknown): unknown => ({ [SIGNATURE]: SECRET, value });

export type Properties = Record<string, unknown>;

export interface Difference {
  changes: boolean;
  /** Property paths that changed, with how. */
  paths: Record<string, string>;
  /** Inputs whose change needs a new resource. */
  replaces: string[];
  /** Whether the old one has to go first. */
  deleteFirst: boolean;
}

/** An operation that failed. */
export class PluginError extends Error {
  constructor(
    message: string,
    /** What is there all the same, for the state. */
    readonly partial: { id: string; outputs: Properties; reasons: string[] } | undefined,
  ) {
    super(message);
  }
}

/** A line that the plugin showed the user. */
export interface Shown {
  message: string;
  severity: number;
  transient: boolean;
}

/** A plugin process as the engine sees it; operations reject with the plugin's own message. */
export interface Plugin {
  shown: Shown[];
  version(): Promise<string>;
  /** Gives the plugin its provider's inputs. */
  configure(inputs: Properties): Promise<void>;
  check(
    type: string,
    inputs: Properties,
    olds?: Properties,
  ): Promise<{ inputs: Properties; failures: Record<string, string> }>;
  diff(type: string, before: Properties, after: Properties, state?: Properties): Promise<Difference>;
  create(type: string, inputs: Properties, options?: CallOptions): Promise<{ id: string; outputs: Properties }>;
  update(type: string, state: Properties, inputs: Properties, options?: CallOptions): Promise<Properties>;
  /** What is there, and the inputs that it stands for; without an id, it is gone. */
  read(
    type: string,
    id: string,
    state?: Properties,
    inputs?: Properties,
  ): Promise<{ id: string; outputs: Properties; inputs: Properties }>;
  delete(type: string, state: Properties): Promise<void>;
  invoke(token: string, args: Properties): Promise<Properties>;
  cancel(): Promise<void>;
  stop(): Promise<void>;
}

export interface CallOptions {
  preview?: boolean;
  /** The resource's own timeout in seconds. */
  timeout?: number;
}

const KINDS = ["add", "add-replace", "delete", "delete-replace", "update", "update-replace"];

interface CallError {
  details: string;
  metadata?: { get(name: string): Buffer[] };
}

function pluginError({ details, metadata }: CallError): PluginError {
  const [packed] = metadata?.get("grpc-status-details-bin") ?? [];
  if (!packed) return new PluginError(details, undefined);
  const [any] = Status.deserializeBinary(packed).getDetailsList();
  const detail = any.unpack(proto.ErrorResourceInitFailed.deserializeBinary, "pulumirpc.ErrorResourceInitFailed");
  return new PluginError(details, {
    id: detail.getId(),
    outputs: detail.getProperties().toJavaScript(),
    reasons: detail.getReasonsList(),
  });
}

async function startEngine(shown: Shown[]) {
  const server = new grpc.Server();
  server.addService(engineService.EngineService, {
    log(call: { request: LogRequest }, callback: (error: null, reply: unknown) => void) {
      const { request } = call;
      shown.push({
        message: request.getMessage(),
        severity: request.getSeverity(),
        transient: request.getEphemeral(),
      });
      callback(null, new Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

async function portOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("no output");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return line.toString().trim();
}

/** Starts the launcher `lab/toolchain/bin/<name>/pulumi-resource-<name>` with an engine that keeps what is shown. */
export async function startPlugin(name: string, env: Record<string, string> = {}): Promise<Plugin> {
  const shown: Shown[] = [];
  const engine = await startEngine(shown);
  const launcher = new URL(`../../../lab/toolchain/bin/${name}/pulumi-resource-${name}`, import.meta.url).pathname;
  const child = spawn(launcher, [engine.address], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const client: Client = new providerService.ResourceProviderClient(
    `127.0.0.1:${await portOf(child)}`,
    grpc.credentials.createInsecure(),
  );

  // biome-ignore lint/suspicious/noExplicitAny: the generated messages have no common shape
  const call = (method: string, request: unknown): Promise<any> =>
    new Promise((resolve, reject) => {
      // biome-ignore lint/suspicious/noExplicitAny: methods are looked up by name
      (client as any)[method](request, (error: CallError | null, reply: unknown) =>
        error ? reject(pluginError(error)) : resolve(reply),
      );
    });
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const message = (Message: new () => any, type: string, fields: Record<string, unknown>) => {
    const request = new Message();
    request.setUrn?.(`urn:pulumi:test::project::outer:index:Component$${type}::step`);
    for (const [field, value] of Object.entries(fields)) request[`set${field}`](value);
    return request;
  };
  const struct = (value: Properties) => Struct.fromJavaScript(value);

  return {
    shown,
    version: async () => (await call("getPluginInfo", new Empty())).getVersion(),
    async configure(inputs) {
      await call("configure", message(proto.ConfigureRequest, "", { Args: struct(inputs) }));
    },
    async check(type, inputs, olds = {}) {
      const request = message(proto.CheckRequest, type, { News: struct(inputs), Olds: struct(olds) });
      const reply = await call("check", request);
      const failures: [string, string][] = reply
        .getFailuresList()
        .map((failure: { getProperty(): string; getReason(): string }) => [failure.getProperty(), failure.getReason()]);
      return { inputs: reply.getInputs().toJavaScript(), failures: Object.fromEntries(failures) };
    },
    async diff(type, before, after, state = {}) {
      const reply = await call(
        "diff",
        message(proto.DiffRequest, type, { OldInputs: struct(before), News: struct(after), Olds: struct(state) }),
      );
      const details = reply.getDetaileddiffMap();
      return {
        changes: reply.getChanges() === proto.DiffResponse.DiffChanges.DIFF_SOME,
        paths: Object.fromEntries(
          [...details.keys()].map((path: string) => [path, KINDS[details.get(path).getKind()] ?? "unknown"]),
        ),
        replaces: reply.getReplacesList(),
        deleteFirst: reply.getDeletebeforereplace(),
      };
    },
    async create(type, inputs, { preview = false, timeout = 0 } = {}) {
      const reply = await call(
        "create",
        message(proto.CreateRequest, type, { Properties: struct(inputs), Preview: preview, Timeout: timeout }),
      );
      return { id: reply.getId(), outputs: reply.getProperties().toJavaScript() };
    },
    async update(type, state, inputs, { preview = false, timeout = 0 } = {}) {
      const reply = await call(
        "update",
        message(proto.UpdateRequest, type, {
          Olds: struct(state),
          News: struct(inputs),
          Preview: preview,
          Timeout: timeout,
        }),
      );
      return reply.getProperties().toJavaScript();
    },
    async read(type, id, state = {}, inputs = {}) {
      const request = message(proto.ReadRequest, type, { Id: id, Properties: struct(state), Inputs: struct(inputs) });
      const reply = await call("read", request);
      const object = (value?: { toJavaScript(): Properties }) => value?.toJavaScript() ?? {};
      return { id: reply.getId(), outputs: object(reply.getProperties()), inputs: object(reply.getInputs()) };
    },
    async delete(type, state) {
      await call("delete", message(proto.DeleteRequest, type, { Properties: struct(state) }));
    },
    async invoke(token, args) {
      const reply = await call("invoke", message(proto.InvokeRequest, "", { Tok: token, Args: struct(args) }));
      return reply.getReturn().toJavaScript();
    },
    async cancel() {
      await call("cancel", new Empty());
    },
    async stop() {
      client.close();
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      engine.stop();
    },
  };
}
