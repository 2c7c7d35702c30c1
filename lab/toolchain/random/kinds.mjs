import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { randomText, shuffled, textDefaults, textFailures } from "./characters.mjs";
import { ADJECTIVES, ADVERBS, NAMES } from "./words.mjs";

/**
 * One type of random resource.
 * @typedef {object} Kind
 * @property {(inputs: object) => { property: string, reason: string }[]} [failures]
 * @property {(inputs: object) => object} [defaults] known before the value is drawn
 * @property {string[]} outputs names of what is drawn
 * @property {string[]} [secrets] those of them that are secret
 * @property {(inputs: object) => { id: string, values: object }} draw inputs with defaults
 */

const textResult = (id) => (inputs) => {
  const result = randomText(inputs);
  return { id: id(result), values: { result } };
};

const wholeNumber = (name) => (inputs) =>
  Number.isInteger(inputs[name]) && inputs[name] >= 1
    ? []
    : [{ property: name, reason: `must be a whole number of at least 1, got ${inputs[name]}` }];

const noSeed = (inputs) =>
  inputs.seed === undefined
    ? []
    : [{ property: "seed", reason: "not covered by this stand-in; use the official plugin" }];

const uuid = (make) => ({
  outputs: ["result"],
  draw: () => {
    const result = make();
    return { id: result, values: { result } };
  },
});

/** A version 7 UUID: milliseconds since 1970, then random bits. */
function uuid7() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const word = (words) => words[randomInt(words.length)];
const petWords = (length) => [
  ...Array.from({ length: Math.max(0, length - 2) }, () => word(ADVERBS)),
  ...(length > 1 ? [word(ADJECTIVES)] : []),
  word(NAMES),
];

/** @type {Record<string, Kind>} */
export const KINDS = {
  // Without bcryptHash: Node has no bcrypt, and a made-up hash would be worse than none.
  RandomPassword: {
    failures: textFailures,
    defaults: textDefaults,
    outputs: ["result"],
    secrets: ["result"],
    draw: textResult(() => "none"),
  },
  RandomString: {
    failures: textFailures,
    defaults: textDefaults,
    outputs: ["result"],
    draw: textResult((text) => text),
  },
  RandomBytes: {
    failures: wholeNumber("length"),
    outputs: ["base64", "hex"],
    secrets: ["base64", "hex"],
    draw: ({ length }) => {
      const bytes = randomBytes(length);
      return { id: "none", values: { base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
    },
  },
  RandomId: {
    failures: wholeNumber("byteLength"),
    outputs: ["b64Std", "b64Url", "dec", "hex"],
    draw: ({ byteLength, prefix = "" }) => {
      const bytes = randomBytes(byteLength);
      const values = {
        b64Std: `${prefix}${bytes.toString("base64")}`,
        b64Url: `${prefix}${bytes.toString("base64url")}`,
        dec: `${prefix}${BigInt(`0x${bytes.toString("hex")}`)}`,
        hex: `${prefix}${bytes.toString("hex")}`,
      };
      return { id: bytes.toString("base64url"), values };
    },
  },
  RandomInteger: {
    failures: (inputs) => [
      ...noSeed(inputs),
      ...(inputs.min <= inputs.max
        ? []
        : [{ property: "min", reason: `must not be above max (${inputs.max}), got ${inputs.min}` }]),
    ],
    outputs: ["result"],
    draw: ({ min, max }) => {
      const result = randomInt(min, max + 1);
      return { id: String(result), values: { result } };
    },
  },
  RandomPet: {
    defaults: (inputs) => ({ length: 2, separator: "-", ...inputs }),
    outputs: [],
    draw: ({ length, separator, prefix }) => ({
      id: [...(prefix ? [prefix] : []), ...petWords(length)].join(separator),
      values: {},
    }),
  },
  RandomShuffle: {
    failures: noSeed,
    outputs: ["results"],
    draw: ({ inputs, resultCount = inputs.length }) => {
      const results = [];
      while (inputs.length > 0 && results.length < resultCount) results.push(...shuffled(inputs));
      return { id: "-", values: { results: results.slice(0, resultCount) } };
    },
  },
  RandomUuid: uuid(randomUUID),
  RandomUuid4: uuid(randomUUID),
  RandomUuid7: { ...uuid(uuid7) },
};
