import { z } from "zod";
import { integer, positive } from "./fields.js";

/** What a repository that does not take WAL leads to. */
export const outageSchema = z
  .strictObject({
    lookSeconds: integer(2, 30, "seconds").default(10).describe("Time between two looks at archiving, seconds."),
    suspendAfterSeconds: integer(5, 600, "seconds")
      .default(15)
      .describe(
        "Age of the oldest WAL that waits, from which a repository that does not take it is left out, seconds.",
      ),
    resumeAfterSeconds: integer(0, 3600, "seconds")
      .default(20)
      .describe("A repository that was left out has to take WAL for this long before it is put back, seconds."),
    probeSeconds: integer(1, 60, "seconds")
      .default(5)
      .describe(
        "pgBackRest's io-timeout when a repository is asked to take WAL, seconds; all in all three times that.",
      ),
    fillSegments: integer(0, 100000)
      .default(512)
      .describe("A hole of more WAL segments is closed by a backup instead of by what is missing."),
    walQueueRatio: positive(0.9)
      .default(0.6)
      .describe(
        "Share of the data volume that WAL may wait in when no repository takes it. Beyond, pgBackRest drops it (archive-push-queue-max).",
      ),
  })
  .prefault({})
  .describe("An outage of one repository, which must not stop the others' WAL: docs/archiving.md.");

export type OutageSettings = z.output<typeof outageSchema>;
