import { z } from "zod";
import { calendar, integer, text } from "./fields.js";
import type { Problem } from "./problems.js";

/** Logical exports of databases into the off-site bucket. */
export const exportsSchema = z.strictObject({
  calendar: calendar().default("*-*-* 01:00:00 UTC").describe("When the primary exports."),
  drill: calendar().default("Fri *-*-* 05:00:00 UTC").describe("When the newest exports are restored, for proof."),
  databases: z
    .exactOptional(
      z
        .array(text(/^[^\n\r]{1,63}$/, "the name of a database"), "a list of databases")
        .min(1, "at least one database; left out, it is all but templates"),
    )
    .describe("Databases that are exported. Default: all but templates, new ones too."),
  retentionDays: integer(7, 3650, "days")
    .default(30)
    .describe("Exports are kept this long, days; the newest one of each database always."),
  recipients: z
    .array(text(/^age1[02-9ac-hj-np-z]{58}$/, "an age recipient: age1 and 58 characters"), "a list of age recipients")
    .default([])
    .describe("Further age recipients that can open the exports, beside `exportsIdentity`."),
});

export type Exports = z.output<typeof exportsSchema>;

/** Exports go into the off-site bucket: without one there is no place for them. */
export function exportsChecks(raw: Record<string, unknown>): Problem[] {
  const { exports, offsite } = raw;
  if (exports === undefined || offsite !== undefined) return [];
  return [
    { path: ["exports"], message: "needs `offsite`: exports go into the off-site bucket; set it, or remove exports" },
  ];
}
