import { describe, expect, it } from "vitest";
import { exportsChecks, exportsSchema } from "../../../settings/exports.js";

describe("exports", () => {
  it("has defaults for all", () => {
    expect(exportsSchema.parse({})).toEqual({
      calendar: "*-*-* 01:00:00 UTC",
      drill: "Fri *-*-* 05:00:00 UTC",
      retentionDays: 30,
      recipients: [],
    });
  });

  it("refuses a retention below a week, what is no recipient, and an empty list", () => {
    expect(exportsSchema.safeParse({ retentionDays: 6 }).success).toBe(false);
    expect(exportsSchema.safeParse({ recipients: ["ssh-ed25519 AAAA"] }).success).toBe(false);
    expect(exportsSchema.safeParse({ recipients: ["AGE-SECRET-KEY-1GFPYYSJZ"] }).success).toBe(false);
    expect(exportsSchema.safeParse({ databases: [] }).success).toBe(false);
  });

  it("needs the off-site bucket", () => {
    expect(exportsChecks({ exports: {} })).toMatchObject([{ path: ["exports"] }]);
    expect(exportsChecks({ exports: {}, offsite: {} })).toEqual([]);
    expect(exportsChecks({})).toEqual([]);
  });
});
