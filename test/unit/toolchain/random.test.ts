import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Plugin, type Properties, secret, startPlugin, UNKNOWN } from "./plugin.js";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let plugin: Plugin;

beforeAll(async () => {
  plugin = await startPlugin("random");
});
afterAll(() => plugin.stop());

const typeOf = (kind: string) => `random:index/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind}`;
const create = (kind: string, inputs: Properties, preview = false) => plugin.create(typeOf(kind), inputs, { preview });
const failures = async (kind: string, inputs: Properties) => (await plugin.check(typeOf(kind), inputs)).failures;

test("reports the version of the SDK package", async () => {
  const { default: manifest } = await import("@pulumi/random/package.json", { with: { type: "json" } });
  expect(await plugin.version()).toBe(manifest.version);
});

describe("passwords and strings", () => {
  test("a password is secret, has every set of characters by default and no made-up hash", async () => {
    const { id, outputs } = await create("RandomPassword", { length: 64 });
    expect(id).toBe("none");
    expect(outputs).toEqual({
      length: 64,
      lower: true,
      upper: true,
      numeric: true,
      number: true,
      special: true,
      minLower: 0,
      minUpper: 0,
      minNumeric: 0,
      minSpecial: 0,
      result: secret(expect.stringMatching(/^.{64}$/)),
    });
  });

  test("minimums, sets and own special characters hold", async () => {
    const inputs = { length: 12, minNumeric: 3, minSpecial: 2, minLower: 1, upper: false, overrideSpecial: "_" };
    for (let i = 0; i < 20; i++) {
      const { id, outputs } = await create("RandomString", inputs);
      expect(outputs.result).toBe(id);
      expect(id).toMatch(/^[a-z0-9_]{12}$/);
      expect(id.replace(/[^0-9]/g, "").length).toBeGreaterThanOrEqual(3);
      expect(id.replace(/[^_]/g, "").length).toBeGreaterThanOrEqual(2);
    }
  });

  test("two are never the same", async () => {
    const drawn = await Promise.all(Array.from({ length: 20 }, () => create("RandomString", { length: 20 })));
    expect(new Set(drawn.map(({ id }) => id)).size).toBe(20);
  });

  test("impossible inputs are named", async () => {
    expect(await failures("RandomPassword", { length: 0 })).toHaveProperty("length");
    expect(await failures("RandomPassword", { length: 3, minLower: 4 })).toHaveProperty("length");
    const none = { length: 3, lower: false, upper: false, numeric: false, special: false };
    expect(await failures("RandomString", none)).toHaveProperty("lower");
    expect(await failures("RandomPassword", { length: UNKNOWN })).toEqual({});
  });
});

describe("the other kinds", () => {
  test("bytes are secret and the same in both forms", async () => {
    const { outputs } = await create("RandomBytes", { length: 16 });
    const text = (name: string) => (outputs[name] as { value: string }).value;
    expect(Buffer.from(text("hex"), "hex")).toEqual(Buffer.from(text("base64"), "base64"));
    expect(outputs.hex).toEqual(secret(expect.stringMatching(/^[0-9a-f]{32}$/)));
  });

  test("an id has the same bytes in each form, with the prefix", async () => {
    const { id, outputs } = await create("RandomId", { byteLength: 8, prefix: "p-" });
    const hex = Buffer.from(id, "base64url").toString("hex");
    expect(outputs).toMatchObject({ hex: `p-${hex}`, dec: `p-${BigInt(`0x${hex}`)}`, b64Url: `p-${id}` });
  });

  test("integers stay within both bounds", async () => {
    const drawn = await Promise.all(Array.from({ length: 30 }, () => create("RandomInteger", { min: 1, max: 3 })));
    expect(new Set(drawn.map(({ id }) => id))).toEqual(new Set(["1", "2", "3"]));
    expect(await failures("RandomInteger", { min: 2, max: 1 })).toHaveProperty("min");
    expect(await failures("RandomInteger", { min: 1, max: 2, seed: "x" })).toHaveProperty("seed");
  });

  test("UUIDs are of their version", async () => {
    expect((await create("RandomUuid", {})).id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect((await create("RandomUuid7", {})).id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  });

  test("pets have as many words as asked", async () => {
    expect((await create("RandomPet", {})).id).toMatch(/^[a-z]+-[a-z]+$/);
    expect((await create("RandomPet", { length: 3, separator: "_", prefix: "x" })).id).toMatch(/^x(_[a-z]+){3}$/);
  });

  test("a shuffle keeps the items", async () => {
    const { outputs } = await create("RandomShuffle", { inputs: ["a", "b", "c"] });
    expect([...(outputs.results as string[])].sort()).toEqual(["a", "b", "c"]);
  });
});

test("any changed input replaces, keepers too; none changed, none replaced", async () => {
  const type = typeOf("RandomPassword");
  const before = { length: 20, keepers: { a: "1" } };
  expect(await plugin.diff(type, before, before)).toMatchObject({ changes: false });
  expect(await plugin.diff(type, before, { ...before, length: 21 })).toEqual({
    changes: true,
    paths: { length: "update-replace" },
    replaces: ["length"],
    deleteFirst: false,
  });
  expect((await plugin.diff(type, before, { length: 20, keepers: { a: "2" } })).replaces).toEqual(["keepers"]);
});

test("a preview draws nothing: the value is unknown, and still secret", async () => {
  const { id, outputs } = await create("RandomPassword", { length: 20 }, true);
  expect(id).toBe("");
  expect(outputs.result).toEqual(secret(UNKNOWN));
});
