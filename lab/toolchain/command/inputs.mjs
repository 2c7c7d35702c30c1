import { isMissing, isObject, isSecret, reveal, secret, UNKNOWN } from "../provider/values.mjs";
import { CONNECTION_DEFAULTS } from "./connection.mjs";

const COMMON = ["create", "update", "delete", "triggers", "stdin", "logging", "environment", "addPreviousOutputInEnv"];
const FILES = ["assetPaths", "archivePaths"];

/** The inputs of each resource type. */
export const INPUTS = {
  "command:remote:Command": [...COMMON, "connection"],
  "command:local:Command": [...COMMON, "interpreter", "dir"],
};

const TYPES = {
  create: "string",
  update: "string",
  delete: "string",
  stdin: "string",
  logging: "string",
  dir: "string",
  addPreviousOutputInEnv: "boolean",
};

/** What a command reads or runs: secret if one of these is, so is what it writes. */
export const SOURCES = ["create", "update", "delete", "command", "stdin", "environment", "interpreter"];

const SECRET_FIELDS = ["password", "privateKey", "privateKeyPassword"];

/** A connection as the official plugin keeps it: defaults filled in, the whole of it and its keys secret. */
function connectionInput(value) {
  const inner = isSecret(value) ? value.value : value;
  if (!isObject(inner)) return secret(inner);
  const filled = { ...CONNECTION_DEFAULTS };
  for (const [key, item] of Object.entries(inner)) {
    if (isMissing(item)) continue;
    filled[key] = SECRET_FIELDS.includes(key) ? secret(item) : item;
  }
  if (filled.proxy !== undefined) filled.proxy = { ...connectionInput(filled.proxy).value };
  return secret(filled);
}

function* failuresIn(type, inputs) {
  for (const [property, expected] of Object.entries(TYPES)) {
    const value = reveal(inputs[property]);
    if (isMissing(value) || value === UNKNOWN || typeof value === expected) continue;
    yield { property, reason: `Field '${property}' must be a ${expected}; got ${typeof value}` };
  }
  for (const property of FILES) {
    if (!isMissing(inputs[property]))
      yield { property, reason: "not covered by this stand-in; use the official plugin" };
  }
  if (type !== "command:remote:Command") return;
  const connection = reveal(inputs.connection);
  if (connection === UNKNOWN) return;
  if (!isObject(connection)) yield { property: "connection", reason: "Missing required field 'connection'" };
  else if (isMissing(connection.host)) yield { property: "connection.host", reason: "Missing required field 'host'" };
}

/**
 * The inputs as they enter state, and what is wrong with them.
 * @param {string} type of the resource
 * @param {object} given
 */
export function checkInputs(type, given) {
  const known = INPUTS[type];
  if (!known) throw new Error(`${type} is not covered by this stand-in of the command plugin; use the official plugin`);
  const failures = [...failuresIn(type, given)];
  const inputs = {};
  for (const key of known) {
    if (isMissing(given[key])) continue;
    inputs[key] = key === "connection" ? connectionInput(given[key]) : given[key];
  }
  return { inputs, failures };
}
