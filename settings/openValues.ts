import { isDocumentationAddress, isPlaceholder } from "./placeholders.js";
import { keyOf, type Problem } from "./problems.js";
import { show } from "./show.js";

interface Text {
  path: PropertyKey[];
  value: string;
}

function texts(value: unknown, path: PropertyKey[] = []): Text[] {
  if (typeof value === "string") return [{ path, value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => texts(item, [...path, index]));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, item]) => texts(item, [...path, key]));
}

/** Plain values that nobody has filled in yet. */
export function placeholders(raw: unknown, hidden: readonly string[]): Problem[] {
  return texts(raw)
    .filter(({ value }) => isPlaceholder(value))
    .map(({ path, value }) => ({ path, message: `${show(value, hidden)} is still a placeholder` }));
}

/** Addresses that were left as the example has them. */
export function documentationAddresses(raw: unknown): Problem[] {
  return texts(raw)
    .filter(({ path, value }) => /^(?:address|endpoint)$/.test(String(path.at(-1))) && isDocumentationAddress(value))
    .map(({ path, value }) => ({
      path,
      message: `"${value}" is an address of the example, reserved for documentation: put yours here`,
    }));
}

/** A copy without the values at `keys`, each as {@link keyOf} writes it. */
export function withoutKeys(value: unknown, keys: ReadonlySet<string>, path: PropertyKey[] = []): unknown {
  if (Array.isArray(value)) return value.map((item, index) => withoutKeys(item, keys, [...path, index]));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !keys.has(keyOf([...path, key])))
      .map(([key, item]) => [key, withoutKeys(item, keys, [...path, key])]),
  );
}
