import { z } from "zod";
import { calendar, flag, integer, text } from "./fields.js";

/** What the drill looks at beyond the smoke query; part of `drill`. */
export const drillDepth = {
  depth: z
    .strictObject({
      amcheck: flag().default(true).describe("Every table, and every index against its table, with pg_amcheck."),
      dump: flag().default(true).describe("Reads every row, by a pg_dumpall to nowhere."),
      checksums: flag()
        .default(true)
        .describe("Every page's checksum, on the stopped copy. A cluster without checksums cannot be verified."),
    })
    .prefault({}),
  rows: z
    .strictObject({
      compare: flag().default(true).describe("Compares tables with the row counts that were kept with the backup."),
      tolerancePercent: integer(0, 100, "percent")
        .default(50)
        .describe("Share of a table's rows that may rightly be gone since the backup, percent."),
      ignore: z
        .array(
          text(/^[^\s'"]{1,200}$/, "database.schema.table, with * for any text and without blanks and quotes"),
          "a list of patterns",
        )
        .default([])
        .describe("Tables that may be emptied or dropped: patterns such as `app.public.job_*`."),
    })
    .prefault({}),
  pitr: z
    .strictObject({
      enabled: flag().default(true).describe("A drill to a random moment of the retention window, of each repository."),
      timer: calendar().default("Fri *-*-* 04:00:00 UTC").describe("When it runs."),
    })
    .prefault({}),
};
