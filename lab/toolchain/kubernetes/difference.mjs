import { changesBetween } from "../provider/diff.mjs";
import { equal, isMissing, reveal } from "../provider/values.mjs";

/** What the server writes by itself with each change. */
const BOOKS = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

const content = ({ status: _, metadata = {}, ...rest }) => ({
  ...rest,
  metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => !BOOKS.includes(key))),
});

/** Steps of a property path: `spec.containers[0].env["a.b"]`. */
const steps = (path) =>
  [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(([, quoted, index, name]) =>
    quoted !== undefined ? JSON.parse(`"${quoted}"`) : index !== undefined ? Number(index) : name,
  );

const valueAt = (object, path) => steps(path).reduce((value, key) => reveal(value)?.[key], object);

/** The longest part of a path that the inputs have: what is shown of a change in what the server keeps. */
function shownPath(inputs, path) {
  const parts = steps(path);
  for (let length = parts.length; length > 0; length--) {
    const head = parts.slice(0, length);
    if (isMissing(head.reduce((value, key) => reveal(value)?.[key], inputs))) continue;
    return head.reduce(
      (text, key) =>
        typeof key === "number"
          ? `${text}[${key}]`
          : /^[A-Za-z_$][\w$]*$/.test(key)
            ? `${text}${text ? "." : ""}${key}`
            : `${text}[${JSON.stringify(key)}]`,
      "",
    );
  }
  return undefined;
}

/**
 * What applying the inputs changes, by property path of the inputs: nothing where the server says that the object
 * stays as it is, however the inputs are written; and what others changed in the object meanwhile.
 *
 * @param {object} before inputs of last time
 * @param {object} after inputs
 * @param {object} live the object as it is
 * @param {object} result the object as the server says it would be
 * @returns {Map<string, "add" | "delete" | "update">}
 */
export function changesOf(before, after, live, result) {
  const written = changesBetween(before, after);
  const real = changesBetween(content(live), content(result));
  const changes = new Map();
  for (const [path, change] of written) {
    // Secret from now on, or no longer: the state has to know, whatever the server has.
    const onlyMark = equal(reveal(valueAt(before, path)), reveal(valueAt(after, path)));
    if (real.size > 0 || onlyMark) changes.set(path, change);
  }
  for (const path of real.keys()) {
    const shown = shownPath(after, path);
    if (shown === undefined) continue;
    const told = [...written.keys()].some((other) => overlaps(other, shown));
    if (!told) changes.set(shown, "update");
  }
  // A change that no input names, of what was given up elsewhere: something has to show it.
  if (changes.size === 0 && real.size > 0) for (const path of real.keys()) changes.set(path, "update");
  return changes;
}

const overlaps = (one, other) => {
  const [a, b] = [steps(one), steps(other)];
  return a.slice(0, b.length).every((key, index) => key === b[index]);
};
