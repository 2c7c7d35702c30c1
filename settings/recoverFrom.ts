import { z } from "zod";
import { flag, integer, text } from "./fields.js";
import type { Problem } from "./problems.js";

/** A formation that is lost with its site, brought back from a repository (docs/rebuild.md). */
export const recoverFromSchema = z.strictObject({
  repository: integer(1, 256).describe("Number of the repository that an empty formation gets its data from."),
  targetTime: z
    .exactOptional(text(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00$/, "a moment in UTC, such as 2026-01-31 14:05:00+00"))
    .describe("Moment to stop at, UTC. Default: the end of what was archived."),
  allowLivingSource: flag()
    .default(false)
    .describe("Does not look whether another site still archives into the repository: two in one stanza ruin it."),
});

/** A repository can be recovered from only when it is one of the stack's. */
export function recoverFromProblems(recoverFrom: Record<string, unknown>, numbers: readonly unknown[]): Problem[] {
  const { repository } = recoverFrom;
  if (repository === undefined || numbers.includes(repository)) return [];
  const message = `${String(repository)} is none of the repositories (${numbers.join(", ")})`;
  return [{ path: ["recoverFrom", "repository"], message }];
}
