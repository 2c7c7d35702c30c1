import { equal, isMissing, isObject } from "./values.mjs";

/** @typedef {"add" | "delete" | "update"} Change */

const step = (path, key) => {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
};

function walk(path, before, after, changes) {
  if (equal(before, after)) return;
  if (path !== "" && isMissing(before)) changes.set(path, "add");
  else if (path !== "" && isMissing(after)) changes.set(path, "delete");
  else if (Array.isArray(before) && Array.isArray(after)) {
    for (let i = 0; i < Math.max(before.length, after.length); i++) {
      walk(step(path, i), before[i], after[i], changes);
    }
  } else if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      walk(step(path, key), before[key], after[key], changes);
    }
  } else changes.set(path, "update");
}

/**
 * What changed between two sets of inputs, by property path (`triggers[0]`, `environment.LANG`). A secret is
 * compared as a whole, so that its path never says more than its name. Keys of the engine's own (`__x`,
 * `version`) are left out.
 * @returns {Map<string, Change>}
 */
export function changesBetween(before, after) {
  const own = (inputs) =>
    Object.fromEntries(Object.entries(inputs).filter(([key]) => key !== "version" && !key.startsWith("__")));
  const changes = new Map();
  walk("", own(before), own(after), changes);
  return changes;
}
