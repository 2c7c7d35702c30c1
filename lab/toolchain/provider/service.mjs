import { setMaxListeners } from "node:events";
import { deadline } from "./deadline.mjs";
import { changesBetween } from "./diff.mjs";
import { sdkRequire } from "./sdk.mjs";

const proto = sdkRequire("@pulumi/pulumi/proto/provider_pb.js");
const { PluginInfo } = sdkRequire("@pulumi/pulumi/proto/plugin_pb.js");
const { Status } = sdkRequire("@pulumi/pulumi/proto/status_pb.js");
const { Metadata } = sdkRequire("@grpc/grpc-js");
const { Empty } = sdkRequire("google-protobuf/google/protobuf/empty_pb.js");
const { Any } = sdkRequire("google-protobuf/google/protobuf/any_pb.js");
const { Struct } = sdkRequire("google-protobuf/google/protobuf/struct_pb.js");

/**
 * What an operation knows of its resource.
 * @typedef {object} Context
 * @property {string} urn
 * @property {string} type e.g. `command:remote:Command`
 * @property {string} name
 * @property {boolean} preview nothing may be done, only foretold
 * @property {AbortSignal} signal aborted when the user cancels or the resource's own timeout is over
 * @property {AbortSignal} cancelled aborted when the user cancels; for what operations share
 * @property {(severity: "debug"|"info"|"warning"|"error", message: string, transient?: boolean) => Promise<void>} log
 *
 * @typedef {{ inputs: object, failures?: { property: string, reason: string }[] }} Checked
 *
 * @typedef {object} Difference
 * @property {Map<string, "add" | "delete" | "update">} changes by property path
 * @property {(path: string) => boolean} replaces
 * @property {boolean} [deleteBeforeReplace] the old one has to go first, where there is a new one
 *
 * A provider; properties are wire values, see values.mjs. What is there but not ready is told by an error with
 * `partial`: `{ id, outputs, inputs, reasons }`.
 * @typedef {object} Provider
 * @property {string} name
 * @property {string} version
 * @property {(args: object) => void} [configure] gets the provider's own inputs
 * @property {(c: Context, inputs: object, old: { olds: object, seed: Uint8Array }) => Checked | Promise<Checked>} check
 * @property {(c: Context, path: string) => boolean} [replaces] whether a change at this path needs a new resource
 * @property {(c: Context, old: { state: object, before: object, after: object }) => Promise<Difference>} [diff] where
 *   more than the inputs tells what changed
 * @property {(c: Context, inputs: object) => Promise<{ id: string, outputs: object }>} create
 * @property {(c: Context, id: string, state: object, inputs: object) =>
 *   Promise<{ id: string, outputs: object, inputs?: object } | undefined>} read nothing when the resource is gone
 * @property {(c: Context, state: object, inputs: object) => Promise<object>} update
 * @property {(c: Context, state: object) => Promise<void>} delete
 * @property {(c: Context, token: string, args: object) => Promise<object>} invoke
 */

const KIND = { add: 0, delete: 2, update: 4 };
const REPLACE = 1;

const object = (struct) => struct?.toJavaScript() ?? {};
const defined = (value) => JSON.parse(JSON.stringify(value));
const struct = (value) => Struct.fromJavaScript(defined(value));

function diffResponse({ changes, replaces: isReplaced, deleteBeforeReplace = false }) {
  const response = new proto.DiffResponse();
  const top = (path) => path.split(/[.[]/, 1)[0];
  const replaces = new Set();
  for (const [path, change] of changes) {
    const replace = isReplaced(path);
    if (replace) replaces.add(top(path));
    const detail = new proto.PropertyDiff();
    detail.setKind(KIND[change] + (replace ? REPLACE : 0));
    response.getDetaileddiffMap().set(path, detail);
  }
  response.setHasdetaileddiff(changes.size > 0);
  response.setChanges(proto.DiffResponse.DiffChanges[changes.size > 0 ? "DIFF_SOME" : "DIFF_NONE"]);
  response.setReplacesList([...replaces]);
  response.setDeletebeforereplace(deleteBeforeReplace && replaces.size > 0);
  response.setDiffsList([...new Set([...changes.keys()].map(top))]);
  return response;
}

/** An error as the engine reads it: the message is all that the user sees; `partial` goes into the state. */
function refusal({ message, partial }) {
  // The details field is where grpc carries the message.
  if (!partial) return { code: 2, details: message };
  const detail = new proto.ErrorResourceInitFailed();
  detail.setId(partial.id);
  detail.setProperties(struct(partial.outputs));
  detail.setInputs(struct(partial.inputs));
  detail.setReasonsList(partial.reasons);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(2);
  status.setMessage(message);
  status.addDetails(packed);
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: 2, details: message, metadata };
}

/**
 * The ResourceProvider service for a provider. `busy()` says whether an operation is under way;
 * `cancel()` ends what waits, while a command that runs is let finish.
 * @param {Provider} provider
 * @param {ReturnType<typeof import("./engine-log.mjs").engineLog>} log
 */
export function providerService(provider, log) {
  const cancelled = new AbortController();
  // Every operation under way listens.
  setMaxListeners(0, cancelled.signal);
  let underWay = 0;

  const contextOf = (request, signal) => {
    const urn = request.getUrn?.() ?? "";
    const [, , types = "", ...name] = urn.split("::");
    return {
      urn,
      type: types.split("$").pop() ?? "",
      name: name.join("::"),
      preview: request.getPreview?.() ?? false,
      signal,
      cancelled: cancelled.signal,
      log: (severity, message, transient) => log(severity, message, urn, transient),
    };
  };

  const handle = (work) => async (call, callback) => {
    underWay++;
    const { signal, end } = deadline(cancelled.signal, call.request.getTimeout?.() ?? 0);
    try {
      callback(null, await work(call.request, contextOf(call.request, signal)));
    } catch (error) {
      callback(refusal(error));
    } finally {
      end();
      underWay--;
    }
  };
  const empty = handle(() => new Empty());
  const cancel = () => cancelled.abort(new Error("context canceled"));
  const accepting = (response) => {
    response.setSupportspreview?.(true);
    for (const set of ["setAcceptsecrets", "setAcceptSecrets", "setAcceptresources", "setAcceptResources"]) {
      response[set]?.(true);
    }
    return response;
  };

  return {
    busy: () => underWay > 0,
    cancel,
    methods: {
      handshake: handle(() => accepting(new proto.ProviderHandshakeResponse())),
      configure: handle((request) => {
        provider.configure?.(object(request.getArgs()));
        return accepting(new proto.ConfigureResponse());
      }),
      attach: empty,
      cancel: handle(() => {
        cancel();
        return new Empty();
      }),
      getPluginInfo: handle(() => {
        const info = new PluginInfo();
        info.setVersion(provider.version);
        return info;
      }),
      getSchema: handle(() => {
        const response = new proto.GetSchemaResponse();
        response.setSchema(JSON.stringify({ name: provider.name, version: provider.version }));
        return response;
      }),
      checkConfig: handle((request) => {
        const response = new proto.CheckResponse();
        response.setInputs(request.getNews());
        return response;
      }),
      diffConfig: handle((request) =>
        diffResponse({
          changes: changesBetween(object(request.getOldInputs()), object(request.getNews())),
          replaces: () => false,
        }),
      ),
      check: handle(async (request, context) => {
        const { inputs, failures = [] } = await provider.check(context, object(request.getNews()), {
          olds: object(request.getOlds()),
          seed: request.getRandomseed_asU8(),
        });
        const response = new proto.CheckResponse();
        response.setInputs(struct(inputs));
        response.setFailuresList(
          failures.map(({ property, reason }) => {
            const failure = new proto.CheckFailure();
            failure.setProperty(property);
            failure.setReason(reason);
            return failure;
          }),
        );
        return response;
      }),
      diff: handle(async (request, context) => {
        const before = object(request.getOldInputs());
        const after = object(request.getNews());
        if (provider.diff)
          return diffResponse(await provider.diff(context, { state: object(request.getOlds()), before, after }));
        return diffResponse({
          changes: changesBetween(before, after),
          replaces: (path) => provider.replaces(context, path),
        });
      }),
      create: handle(async (request, context) => {
        const { id, outputs } = await provider.create(context, object(request.getProperties()));
        const response = new proto.CreateResponse();
        response.setId(id);
        response.setProperties(struct(outputs));
        return response;
      }),
      read: handle(async (request, context) => {
        const state = object(request.getProperties());
        const found = await provider.read(context, request.getId(), state, object(request.getInputs()));
        const response = new proto.ReadResponse();
        if (!found) return response;
        response.setId(found.id);
        response.setInputs(found.inputs ? struct(found.inputs) : request.getInputs());
        response.setProperties(struct(found.outputs));
        return response;
      }),
      update: handle(async (request, context) => {
        const outputs = await provider.update(context, object(request.getOlds()), object(request.getNews()));
        const response = new proto.UpdateResponse();
        response.setProperties(struct(outputs));
        return response;
      }),
      delete: handle(async (request, context) => {
        await provider.delete(context, object(request.getProperties()));
        return new Empty();
      }),
      invoke: handle(async (request, context) => {
        const response = new proto.InvokeResponse();
        response.setReturn(struct(await provider.invoke(context, request.getTok(), object(request.getArgs()))));
        return response;
      }),
    },
  };
}
