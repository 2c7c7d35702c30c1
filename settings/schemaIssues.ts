import type { z } from "zod";
import { nearest } from "./nearest.js";
import type { Problem } from "./problems.js";
import { secretNames, sshPrivateKey } from "./secrets.js";
import { show } from "./show.js";
import { keysAt } from "./table.js";

/** Turns zod's findings into problems: the key, the wrong value, what is allowed. */
export function issueProblems(
  error: z.ZodError,
  raw: unknown,
  hidden: readonly string[],
  isEncrypted: (name: string) => boolean = () => false,
): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const { path } = issue;
    if (issue.code === "unrecognized_keys") {
      const known = [...keysAt(path), ...(path.length === 0 ? [...secretNames, sshPrivateKey.name] : [])];
      return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, known) }));
    }
    const value = valueAt(raw, path);
    // Messages of single values say what is allowed; those that zod words itself are about whole objects.
    const allowed = issue.message.startsWith("Invalid input") ? "an object with keys of its own" : issue.message;
    if (value === undefined) return [{ path, message: `is missing; it must be ${allowed}` }];
    const shown = isEncrypted(String(path[0])) ? "[secret]" : show(value, hidden);
    return [{ path, message: `${shown} is not allowed; it must be ${allowed}` }];
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  return `is no known key${guess ? `; did you mean ${guess}?` : `; known here: ${[...known].sort().join(", ")}`}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);
}
