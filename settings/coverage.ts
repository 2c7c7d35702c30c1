import { z } from "zod";
import { calendar, oneOf, text } from "./fields.js";

/** The coverage ledger: every live database and volume against its newest backup and its newest passed drill. */
export const coverageSchema = z.strictObject({
  calendar: calendar().default("*-*-* *:17:00 UTC").describe("When the ledger is made and its metrics are written."),
  accepted: z
    .array(
      z.strictObject({
        place: oneOf("formation", "incus", "docker", "kubernetes").describe("Where it lives."),
        name: text(
          /^[^\s'"\\]{1,253}$/,
          "a name without spaces, quotes and backslashes: that of the database or volume, or namespace/source/name; * stands for any text",
        ).describe(
          "Database or volume, alone or as `coverage.sh` prints its whole path (`namespace/source/name`); `*` stands for any text.",
        ),
        reason: text(/^(?=.*\S)[^\n\r]{1,200}$/, "the reason, on one line").describe(
          "Why it is left without; the ledger prints it.",
        ),
        only: z
          .exactOptional(z.literal("drill", '"drill", or left out'))
          .describe("`drill`: it does without a drill, not without a backup. Left out: without either."),
      }),
      "a list of what is left without on purpose",
    )
    .default([])
    .describe("Databases and volumes that are left without a backup, or without a drill, on purpose."),
});

export type Coverage = z.output<typeof coverageSchema>;
