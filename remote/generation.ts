import type { Facts } from "./facts.js";

/** What earlier updates knew: the generations above 1 by `host/target/step`, or nothing before the first. */
export type LastKnown = Readonly<Record<string, number>> | undefined;

/**
 * The generation under which a step is written into its command.
 *
 * It stays what it was as long as the step stands on the host, and is one higher when the step's record,
 * container or files are gone or altered: the command's text then differs and the update runs it again.
 * The same facts give the same number, so preview and update agree. A host that cannot be looked at gives
 * the last known number, and so no difference.
 */
export function generationOf(facts: Facts, lastKnown: LastKnown, host: string, target: string, step: string): number {
  const last = lastKnown ? (lastKnown[`${host}/${target}/${step}`] ?? 1) : 0;
  if (!facts.known) return Math.max(last, 1);
  const fact = facts.facts.steps.get(`${target}/${step}`);
  if (fact?.verdict === "ok") return fact.generation;
  return Math.max(fact?.generation ?? 0, last) + 1;
}
