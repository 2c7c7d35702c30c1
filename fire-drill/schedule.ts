import type { Scenario } from "./scenario.js";

/**
 * Runs scenarios in their order, side by side where they disturb nothing in common.
 *
 * @param lanes at most so many at a time
 * @throws the first error, when those under way have ended; none is begun after it
 */
export async function schedule<T>(
  scenarios: readonly Scenario[],
  run: (scenario: Scenario) => Promise<T>,
  lanes: number,
): Promise<Map<Scenario, T>> {
  const results = new Map<Scenario, T>();
  const waiting = [...scenarios];
  const running = new Map<Scenario, Promise<void>>();
  const errors: unknown[] = [];
  const free = (scenario: Scenario) =>
    ![...running.keys()].some(({ disturbs }) => disturbs.some((it) => scenario.disturbs.includes(it)));
  while (running.size > 0 || (waiting.length > 0 && errors.length === 0)) {
    const next = errors.length === 0 && running.size < lanes ? waiting.findIndex(free) : -1;
    const [scenario] = next < 0 ? [] : waiting.splice(next, 1);
    if (!scenario) {
      await Promise.race(running.values());
      continue;
    }
    const ended = run(scenario)
      .then((result) => void results.set(scenario, result))
      .catch((error: unknown) => void errors.push(error))
      .finally(() => running.delete(scenario));
    running.set(scenario, ended);
  }
  if (errors.length > 0) throw errors[0];
  return results;
}
