/**
 * Property values as they travel between engine and provider: plain JSON, except that an object with the
 * signature key is a special value and one fixed string stands for "not known yet" (previews only).
 */

/** Marks an object as a special value; what it holds says of which kind. */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
/** Stands for a value that is known only once the resources it comes from exist. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** True for an object that is neither an array nor a special value. */
export const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(SIGNATURE in value);

const kindOf = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? value[SIGNATURE] : undefined;

/** True when the value itself is marked secret. */
export const isSecret = (value) => kindOf(value) === SECRET;

/** Marks a value secret; one that is already stays as it is. */
export const secret = (value) => (isSecret(value) ? value : { [SIGNATURE]: SECRET, value });

/** True for null and for what is not there: the engine treats them alike. */
export const isMissing = (value) => value === undefined || value === null;

const some = (value, test) =>
  test(value) ||
  (Array.isArray(value) && value.some((item) => some(item, test))) ||
  (typeof value === "object" && value !== null && Object.values(value).some((item) => some(item, test)));

/** True when the value or anything inside it is secret. */
export const hasSecret = (value) => some(value, isSecret);

/** True when the value or anything inside it is unknown. */
export const hasUnknown = (value) => some(value, (item) => item === UNKNOWN);

/**
 * The value without its secret marks, at any depth.
 * @returns {any}
 */
export function reveal(value) {
  if (isSecret(value)) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
}

/** Deep equality as the engine has it: a secret equals only a secret, an asset one with the same content hash. */
export function equal(a, b) {
  if (isMissing(a) || isMissing(b)) return isMissing(a) && isMissing(b);
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  if (Array.isArray(a) !== Array.isArray(b) || kindOf(a) !== kindOf(b)) return false;
  if ((kindOf(a) === ASSET || kindOf(a) === ARCHIVE) && a.hash && b.hash) return a.hash === b.hash;
  if (Array.isArray(a) && a.length !== b.length) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal(a[key], b[key]));
}
