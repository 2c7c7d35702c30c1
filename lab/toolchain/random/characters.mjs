import { randomInt } from "node:crypto";

const SETS = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  numeric: "0123456789",
  special: "!@#$%&*()-_=+[]{}<>:?",
};
const MINIMUM = { lower: "minLower", upper: "minUpper", numeric: "minNumeric", special: "minSpecial" };

/** What the official plugin fills in; `number` is the older name of `numeric`. */
export function textDefaults(inputs) {
  const numeric = inputs.numeric ?? inputs.number ?? true;
  return {
    lower: true,
    upper: true,
    special: true,
    minLower: 0,
    minUpper: 0,
    minNumeric: 0,
    minSpecial: 0,
    ...inputs,
    numeric,
    number: numeric,
  };
}

/** @returns {{ property: string, reason: string }[]} */
export function textFailures(inputs) {
  const all = textDefaults(inputs);
  const needed = Object.values(MINIMUM).reduce((sum, key) => sum + all[key], 0);
  if (!Number.isInteger(all.length) || all.length < 1) {
    return [{ property: "length", reason: `must be a whole number of at least 1, got ${all.length}` }];
  }
  if (all.length < needed) {
    return [{ property: "length", reason: `must be at least the sum of the minimums (${needed}), got ${all.length}` }];
  }
  if (!Object.keys(SETS).some((set) => all[set])) {
    return [{ property: "lower", reason: "at least one set of characters must be on" }];
  }
  return [];
}

const pick = (characters) => characters[randomInt(characters.length)];

/** In random order, each order as likely as any other. */
export function shuffled(items) {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** Random text of `length` characters with at least the asked number of each set. */
export function randomText(inputs) {
  const all = textDefaults(inputs);
  const sets = { ...SETS, special: all.overrideSpecial || SETS.special };
  const names = Object.keys(sets);
  const required = names.flatMap((name) => Array.from({ length: all[MINIMUM[name]] }, () => pick(sets[name])));
  const any = names
    .filter((name) => all[name])
    .map((name) => sets[name])
    .join("");
  const rest = Array.from({ length: all.length - required.length }, () => pick(any));
  return shuffled([...required, ...rest]).join("");
}
