import { describe, expect, it } from "vitest";
import { type ImageIdentity, imageAlias, imagePackages } from "../../../render/image.js";

const identity: ImageIdentity = { major: 17, base: "images:debian/13", packageSource: "", revision: "" };

describe("imageAlias", () => {
  it("X13: names the major version and everything that makes another image", () => {
    expect(imageAlias(identity)).toMatch(/^restorable-pg17-[0-9a-f]{8}$/);
    expect(imageAlias({ ...identity })).toBe(imageAlias(identity));
  });

  it.each<[string, Partial<ImageIdentity>]>([
    ["base", { base: "images:debian/12" }],
    ["source", { packageSource: "deb https://apt.postgresql.org/pub/repos/apt trixie-pgdg main" }],
    ["revision", { revision: "2026-11-21" }],
  ])("X13: is another one for another %s", (_, change) => {
    expect(imageAlias({ ...identity, ...change })).not.toBe(imageAlias(identity));
  });

  it("keeps its fields apart", () => {
    expect(imageAlias({ ...identity, base: "a", packageSource: "b" })).not.toBe(
      imageAlias({ ...identity, base: "ab", packageSource: "" }),
    );
  });

  it("has the packages of its major version", () => {
    expect(imagePackages(15)).toEqual(expect.arrayContaining(["postgresql-15", "postgresql-15-auto-failover"]));
  });
});
