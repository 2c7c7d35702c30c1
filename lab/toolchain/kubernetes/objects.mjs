import { randomBytes } from "node:crypto";
import { isMissing, isObject, isSecret, reveal, secret, UNKNOWN } from "../provider/values.mjs";

/** Annotations that the plugin itself reads or writes. */
export const AUTONAMED = "pulumi.com/autonamed";
const MANAGER = "pulumi.com/patchFieldManager";
const FORCE = "pulumi.com/patchForce";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

const annotation = (object, name) => reveal(reveal(object.metadata)?.annotations)?.[name];

/** Whether a resource changes an object that others own, instead of owning one: `ConfigMapPatch`. */
export const isPatch = (type, { kind }) => type.split(":").pop() === `${reveal(kind)}Patch`;

/** A value without what is missing, at any depth, as JSON has it. */
function present(value) {
  if (Array.isArray(value)) return value.map(present);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => !isMissing(item))
      .map(([key, item]) => [key, present(item)]),
  );
}

/** The object that inputs or state describe, as the API server takes it. */
export function objectOf(properties) {
  const own = Object.entries(reveal(properties)).filter(([key]) => key !== "version" && !key.startsWith("__"));
  const object = present(Object.fromEntries(own));
  if (object.kind !== "Secret" || !isObject(object.stringData)) return object;
  // The server never gives stringData back: as data, a key that is left out goes away.
  const { stringData, ...rest } = object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString("base64"),
  ]);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } };
}

/** Only what names an object. */
export const identity = ({ apiVersion, kind, metadata: { name, namespace } }) => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
});

/** `namespace/name`, or `name` of what has no namespace. */
export const idOf = ({ metadata: { name, namespace } }) => (namespace ? `${namespace}/${name}` : name);

/** Inputs with a name for the object where the program gives none: the old one's, else a new one. */
export function named(resource, inputs, old, seed) {
  const metadata = reveal(inputs.metadata) ?? {};
  if (metadata === UNKNOWN || !isMissing(metadata.name)) return inputs;
  const before = reveal(old.metadata) ?? {};
  const suffix = Buffer.from(seed?.length ? seed : randomBytes(4))
    .subarray(0, 4)
    .toString("hex");
  const name = before.annotations?.[AUTONAMED] === "true" ? before.name : `${resource.toLowerCase()}-${suffix}`;
  const given = isObject(inputs.metadata) ? inputs.metadata : metadata;
  return { ...inputs, metadata: { ...given, name, annotations: { ...given.annotations, [AUTONAMED]: "true" } } };
}

export const isAutonamed = (inputs) => annotation(inputs, AUTONAMED) === "true";

/** Who the API server notes as owner of the fields: the same through the life of a resource. */
export const managerOf = (inputs, state = {}) =>
  annotation(inputs, MANAGER) ?? reveal(state.__fieldManager) ?? `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;

/** Whether fields that others own are taken from them. */
export const isForced = (inputs, settings) => (annotation(inputs, FORCE) ?? settings.enablePatchForce) === "true";

export const skipsAwait = (inputs) => annotation(inputs, "pulumi.com/skipAwait") === "true";
export const propagationOf = (inputs) => annotation(inputs, "pulumi.com/deletionPropagationPolicy") ?? "foreground";

/** Inputs in which a Secret's values are secret, whoever wrote them. */
export function withSecrets(inputs) {
  if (reveal(inputs.kind) !== "Secret") return inputs;
  const marked = ["data", "stringData"].filter((key) => !isMissing(inputs[key]));
  return { ...inputs, ...Object.fromEntries(marked.map((key) => [key, secret(inputs[key])])) };
}

/** A live value, secret wherever the input at its place is. */
function markedLike(live, input) {
  if (isMissing(live) || isMissing(input)) return live;
  if (isSecret(input)) return secret(live);
  // Which item of a list is which cannot be told once the server has merged it.
  if (Array.isArray(input)) return input.some((item) => holdsSecret(item)) ? secret(live) : live;
  if (!isObject(input) || !isObject(live)) return live;
  return Object.fromEntries(Object.entries(live).map(([key, item]) => [key, markedLike(item, input[key])]));
}

const holdsSecret = (value) =>
  isSecret(value) || (typeof value === "object" && value !== null && Object.values(value).some(holdsSecret));

/** The object without the server's book-keeping. */
export function withoutBooks(object) {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}

/** State of a resource: the object as it is, its inputs, and who owns the fields. */
export function stateOf(live, inputs, manager) {
  const { metadata, ...rest } = withoutBooks(live);
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations ?? {};
  const object = { ...rest, metadata: { ...metadata, ...(metadata.annotations ? { annotations } : {}) } };
  return {
    ...withSecrets(markedLike(object, inputs)),
    __inputs: inputs,
    __initialApiVersion: reveal(inputs.apiVersion),
    __fieldManager: manager,
  };
}

/** What a preview can say of an object before it is there. */
export function foretold(object, inputs, manager) {
  const state = stateOf(object, inputs, manager);
  const made = Object.fromEntries(["uid", "resourceVersion", "creationTimestamp"].map((key) => [key, UNKNOWN]));
  const metadata = isObject(state.metadata) ? { ...state.metadata, ...made } : state.metadata;
  return { ...state, metadata, status: UNKNOWN };
}

/** Inputs as the live object has them: what a refresh notes. */
export function inputsFrom(live, inputs) {
  if (isSecret(inputs)) return secret(inputsFrom(live, inputs.value));
  if (isObject(inputs) && isObject(live)) {
    const kept = Object.entries(inputs).filter(([key]) => !isMissing(live[key]));
    return Object.fromEntries(kept.map(([key, value]) => [key, inputsFrom(live[key], value)]));
  }
  if (Array.isArray(inputs) && Array.isArray(live) && inputs.length === live.length)
    return inputs.map((item, index) => inputsFrom(live[index], item));
  return live;
}
