import { changesBetween } from "../provider/diff.mjs";
import { sdkVersion } from "../provider/sdk.mjs";
import { hasUnknown, isMissing, reveal, UNKNOWN } from "../provider/values.mjs";
import { connect, settingsOf } from "./access.mjs";
import { Refused, UnknownKind, Unreachable } from "./api.mjs";
import { gone, ready } from "./awaiting.mjs";
import { changesOf } from "./difference.mjs";
import { isImmutable, needsNew } from "./immutable.mjs";
import * as objects from "./objects.mjs";

const { identity, idOf, isPatch, managerOf, objectOf, stateOf } = objects;

const nowhere = "If the cluster was deleted, PULUMI_K8S_DELETE_UNREACHABLE=true takes its resources out of the state.";

/** The kinds of answers that leave a preview to the inputs alone. */
const cannotTell = (error) =>
  error instanceof Unreachable ||
  error instanceof UnknownKind ||
  // 404: the namespace is not there yet; 403: a dry run needs the same rights as the real one.
  (error instanceof Refused && [403, 404].includes(error.status));

function explained(error, object, done) {
  const who = `${object.kind} ${idOf(object)}`;
  if (error instanceof Refused && error.reason === "Conflict")
    return new Error(
      `${who}: others own fields that it sets: ${error.message}\nLeave these fields to them, or take them with the annotation pulumi.com/patchForce: "true".`,
    );
  if (error instanceof Unreachable)
    return new Error(`${who}: configured Kubernetes cluster is unreachable: ${error.message}`);
  return new Error(`${who} was not ${done} by the API server: ${error.message}`);
}

/**
 * The stand-in for the kubernetes plugin: objects of every kind, and patches of objects that others own, by
 * server-side apply.
 * @returns {import("../provider/service.mjs").Provider}
 */
export function kubernetesProvider() {
  let settings = {};
  /** @type {Promise<import("./api.mjs").Api> | undefined} */
  let connection;
  let warned = false;

  const api = () => {
    connection ??= connect(settings).catch((error) => {
      throw new Unreachable(error.message);
    });
    return connection;
  };

  /** The object with the namespace that it gets. */
  async function placed(object) {
    if (object.metadata?.namespace) return object;
    const server = await api();
    const { namespaced } = await server.kind(object.apiVersion, object.kind);
    const namespace = settings.namespace ?? server.namespace ?? "default";
    return namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object;
  }

  async function unreachable(context, error) {
    if (warned) return;
    warned = true;
    await context.log("warning", `configured Kubernetes cluster is unreachable: ${error.message}`);
  }

  /** The object after it was applied and is ready; what is there but not ready becomes part of the state. */
  async function settled(context, inputs, applied, manager) {
    if (objects.skipsAwait(inputs)) return applied;
    try {
      return await ready(await api(), applied, context);
    } catch (error) {
      const reason = `${applied.kind} ${idOf(applied)} is there, but it did not become ready: ${error.message}`;
      throw Object.assign(new Error(reason), {
        partial: {
          id: idOf(applied),
          outputs: stateOf(error.live ?? applied, inputs, manager),
          inputs,
          reasons: [reason],
        },
      });
    }
  }

  const apply = async (context, object, inputs, manager, dryRun) =>
    (await api()).apply(object, {
      manager,
      dryRun,
      force: objects.isForced(inputs, settings),
      signal: context.signal,
    });

  return {
    name: "kubernetes",
    version: sdkVersion("@pulumi/kubernetes"),

    configure(args) {
      settings = settingsOf(args);
      connection = undefined;
    },

    async check(context, given, { olds, seed }) {
      const failures = [];
      for (const property of ["apiVersion", "kind"])
        if (isMissing(given[property])) failures.push({ property, reason: `Missing required field '${property}'` });
      const metadata = reveal(given.metadata);
      if (!isMissing(metadata?.generateName))
        failures.push({
          property: "metadata.generateName",
          reason: "not covered by this stand-in of the kubernetes plugin; use the official plugin",
        });
      if (failures.length > 0) return { inputs: given, failures };
      if (isPatch(context.type, given) && metadata !== UNKNOWN && isMissing(metadata?.name)) {
        failures.push({ property: "metadata.name", reason: "a patch must name the object that it changes" });
        return { inputs: given, failures };
      }
      const inputs = objects.withSecrets(objects.named(context.name, given, olds, seed));
      if (hasUnknown(inputs.metadata) || hasUnknown(inputs.kind) || hasUnknown(inputs.apiVersion)) return { inputs };
      const { metadata: found } = await placed(objectOf(inputs)).catch(async (error) => {
        if (error instanceof Unreachable) await unreachable(context, error);
        else if (!(error instanceof UnknownKind)) throw error;
        return inputs;
      });
      const namespace = reveal(found)?.namespace;
      return { inputs: namespace ? { ...inputs, metadata: { ...inputs.metadata, namespace } } : inputs };
    },

    async diff(context, { state, before, after }) {
      const patch = isPatch(context.type, after);
      const object = objectOf(after);
      const old = objectOf(before);
      let changes = changesBetween(before, after);
      let refused;
      if (!hasUnknown(after) && idOf(object) === idOf(old) && object.kind === old.kind) {
        try {
          const server = await api();
          const live = await server.get(object, context.signal);
          if (!live) {
            // Deleted by others: it is made again.
            if (!patch) changes = new Map([["metadata", "add"], ...changes]);
          } else {
            const manager = managerOf(after, state);
            // Whether it may take others' fields is the update's question, not this one's.
            const result = await server.apply(object, { manager, force: true, dryRun: true, signal: context.signal });
            changes = changesOf(before, after, live, result);
          }
        } catch (error) {
          if (error instanceof Unreachable) await unreachable(context, error);
          else if (error instanceof Refused) refused = error;
          else if (!(error instanceof UnknownKind)) throw error;
        }
      }
      const blamed = refused && isImmutable(refused) && !patch;
      const replaces = (path) =>
        patch
          ? /^metadata\.(name|namespace)$/.test(path) || path === "kind"
          : blamed || needsNew(object, path, settings);
      const sameName = !hasUnknown(after.metadata) && idOf(object) === idOf(old);
      return { changes, replaces, deleteBeforeReplace: sameName };
    },

    async create(context, inputs) {
      const manager = managerOf(inputs);
      if (context.preview && hasUnknown(inputs)) return { id: "", outputs: inputs };
      const patch = isPatch(context.type, inputs);
      let object = objectOf(inputs);
      try {
        object = await placed(object);
        const there = await (await api()).get(object, context.signal);
        if (patch && !there && !context.preview) throw new Error("there is no such object to patch");
        if (!patch && there && settings.upsertExistingObjects !== "true") {
          const exists = "there is such an object already; `pulumi import` it, or set upsertExistingObjects";
          if (!context.preview) throw new Error(exists);
          await context.log("warning", exists);
        }
        if (context.preview) {
          if (patch && !there) return { id: "", outputs: objects.foretold(object, inputs, manager) };
          const result = await apply(context, object, inputs, manager, true);
          return { id: "", outputs: objects.foretold(result, inputs, manager) };
        }
      } catch (error) {
        if (context.preview && cannotTell(error)) {
          if (error instanceof Unreachable) await unreachable(context, error);
          return { id: "", outputs: objects.foretold(object, inputs, manager) };
        }
        throw explained(error, object, patch ? "patched" : "created");
      }
      const applied = await apply(context, object, inputs, manager, false).catch((error) => {
        throw explained(error, object, patch ? "patched" : "created");
      });
      const live = patch ? applied : await settled(context, inputs, applied, manager);
      return { id: idOf(live), outputs: stateOf(live, inputs, manager) };
    },

    async read(context, id, state, inputs) {
      const known = Object.keys(state).length > 0;
      const [name = "", namespace] = id.split("/").reverse();
      const [, version = "", kind = ""] = context.type.split(":");
      const object = known
        ? objectOf(state)
        : { apiVersion: version.replace(/^core\//, ""), kind, metadata: { name, ...(namespace ? { namespace } : {}) } };
      let live;
      try {
        live = await (await api()).get(object, context.signal);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await unreachable(context, error);
        if (settings.deleteUnreachable === "true") return undefined;
        if (settings.skipUpdateUnreachable === "true") return { id, outputs: state, inputs };
        throw new Error(`failed to read resource state due to unreachable cluster: ${error.message}\n${nowhere}`);
      }
      if (!live) return undefined;
      const { status: _, ...written } = objects.withoutBooks(live);
      const found = objects.withSecrets(known ? objects.inputsFrom(live, inputs) : written);
      return { id, outputs: stateOf(live, found, managerOf(inputs, state)), inputs: found };
    },

    async update(context, state, inputs) {
      const manager = managerOf(inputs, state);
      if (context.preview && hasUnknown(inputs)) return { ...inputs };
      const object = objectOf(inputs);
      let applied;
      try {
        applied = await apply(context, object, inputs, manager, context.preview);
      } catch (error) {
        if (!context.preview || !cannotTell(error)) throw explained(error, object, "updated");
        if (error instanceof Unreachable) await unreachable(context, error);
        return objects.foretold(object, inputs, manager);
      }
      if (context.preview) return stateOf(applied, inputs, manager);
      const live = isPatch(context.type, inputs) ? applied : await settled(context, inputs, applied, manager);
      return stateOf(live, inputs, manager);
    },

    async delete(context, state) {
      const object = objectOf(state);
      // The object itself may have annotations of others.
      const inputs = state.__inputs ?? state;
      const patch = isPatch(context.type, state);
      try {
        const server = await api();
        if (patch) {
          // Applied with nothing in it: what only this one owned goes, what others own as well stays.
          if (await server.get(object, context.signal))
            await server.apply(identity(object), { manager: managerOf(inputs, state), signal: context.signal });
          return;
        }
        const { uid } = object.metadata;
        const propagation = objects.propagationOf(inputs);
        const was = await server.delete(object, {
          propagation: propagation.charAt(0).toUpperCase() + propagation.slice(1),
          uid,
          signal: context.signal,
        });
        if (was && !objects.skipsAwait(inputs)) await gone(server, object, context);
      } catch (error) {
        if (error instanceof Unreachable && settings.deleteUnreachable === "true") return;
        throw explained(error, object, patch ? "given up" : "deleted");
      }
    },

    async invoke(_context, token) {
      throw new Error(`${token} is not covered by this stand-in of the kubernetes plugin; use the official plugin`);
    },
  };
}
