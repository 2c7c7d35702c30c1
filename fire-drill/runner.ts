import type { Delivery } from "./receiver.js";
import type { Expectation, Scenario } from "./scenario.js";
import { type ActiveAlert, fill, Interrupted, type Labels, matches, type Surroundings } from "./surroundings.js";

/** Added to every bound, seconds: evaluations, notifications, a busy machine. */
export const marginSeconds = 30;

/** From firing in Prometheus to the receiver, at most, seconds. */
export const deliverySeconds = 30;

export type Verdict = "passed" | "failed" | "unverified";

/** What came of one alert of one scenario. */
export interface Row {
  readonly alert: string;
  readonly scenario: string;
  readonly what: string;
  readonly hearer: Expectation["hearer"];
  /** Seconds from the break to firing in Prometheus, and to the receiver. */
  readonly fire?: number;
  readonly deliver?: number;
  /** Seconds from the end of the repair until Prometheus and the receiver were silent. */
  readonly resolve?: number;
  /** Seconds within which it had to fire. */
  readonly bound?: number;
  readonly verdict: Verdict;
  readonly problems: readonly string[];
  readonly note?: string;
}

/** One expectation as it comes true. */
interface Watch {
  readonly expectation: Expectation;
  wanted: Labels;
  bound: number;
  fire?: number;
  deliver?: number;
  resolve?: number;
  inhibited: boolean;
  problems: string[];
  unverified: string[];
}

export interface RunOptions {
  /** Called before something is broken and after it was repaired. */
  readonly journal: { broken(scenario: Scenario, places: Labels): void; repaired(scenario: Scenario): void };
  readonly say: (line: string) => void;
}

/**
 * Breaks, waits for the alerts, repairs, waits for silence. Repairs whatever happens.
 *
 * @throws Interrupted after the repair
 */
export async function runScenario(scenario: Scenario, around: Surroundings, options: RunOptions): Promise<Row[]> {
  const { say, journal } = options;
  let places: Labels = {};
  const watches = scenario.expect.map(
    (expectation): Watch => ({ expectation, wanted: {}, bound: 0, inhibited: false, problems: [], unverified: [] }),
  );
  const rows = () => watches.map((watch) => toRow(scenario, watch));
  const spoil = (reason: string) => {
    for (const watch of watches) watch.unverified.push(reason);
    return rows();
  };
  const interrupted = (error: unknown) => error instanceof Interrupted;
  try {
    for (const step of scenario.prepare ?? []) await around.run(step, await around.places());
    places = await around.places();
    for (const watch of watches) watch.wanted = wantedLabels(watch.expectation, places);
    const before = await quiet(watches, scenario.silenceSeconds, around);
    if (before) return spoil(before);
    for (const watch of watches) {
      const wait = await around.forSeconds(watch.expectation.alert);
      if (wait === undefined) watch.problems.push("Prometheus has no rule of this name");
      watch.bound = Math.ceil(watch.expectation.detectSeconds + (wait ?? 0) + marginSeconds);
    }
  } catch (error) {
    if (interrupted(error)) throw error;
    return spoil(`could not be prepared: ${(error as Error).message}`);
  }

  say(`${scenario.id}: ${scenario.what}`);
  journal.broken(scenario, places);
  const begin = around.now();
  let stopped: unknown;
  try {
    for (const step of scenario.break) await around.run(step, places);
    await awaitFiring(watches, begin, around, say);
  } catch (error) {
    stopped = error;
    if (!interrupted(error)) spoil(`could not be broken or watched: ${(error as Error).message}`);
  }
  const broken = await repair(scenario, around, places);
  if (broken) {
    say(`${scenario.id}: NOT REPAIRED: ${broken}`);
    for (const watch of watches) watch.problems.push(`not repaired: ${broken}`);
    if (interrupted(stopped)) throw stopped;
    return rows();
  }
  journal.repaired(scenario);
  if (interrupted(stopped)) throw stopped;
  const repaired = around.now();
  say(`${scenario.id}: repaired`);
  try {
    await awaitSilence(watches, begin, repaired, scenario.silenceSeconds, around);
  } catch (error) {
    if (interrupted(error)) throw error;
    spoil(`its silence could not be watched: ${(error as Error).message}`);
  }
  judgeDeliveries(watches, begin, around);
  for (const row of rows()) say(`${scenario.id}: ${row.alert}: ${[row.verdict, ...row.problems].join("; ")}`);
  return rows();
}

function wantedLabels({ alert, labels = {} }: Expectation, places: Labels): Labels {
  const filled = Object.entries(labels).map(([key, text]) => [key, fill(text, places)]);
  return { alertname: alert, ...Object.fromEntries(filled) };
}

/** Runs every step, also after one that failed; what it says is the first failure. */
export async function repair(scenario: Scenario, around: Surroundings, places: Labels): Promise<string | undefined> {
  let failure: string | undefined;
  for (const step of scenario.repair) {
    try {
      await around.run(step, places);
    } catch (error) {
      failure ??= (error as Error).message;
    }
  }
  return failure;
}

const seconds = (around: Surroundings, since: number) => (around.now() - since) / 1000;
const found = (watch: Watch, alerts: readonly ActiveAlert[]) =>
  alerts.filter(({ labels }) => matches(watch.wanted, labels));

/** Waits until none of the alerts is active; after that time it says which one is. */
async function quiet(watches: readonly Watch[], limit: number, around: Surroundings): Promise<string | undefined> {
  for (const begin = around.now(); ; await around.sleep(1000)) {
    const active = await around.active();
    const there = watches.find((watch) => found(watch, active).length > 0);
    if (!there) return undefined;
    if (seconds(around, begin) > limit) return `${there.expectation.alert} was there before anything was broken`;
  }
}

async function awaitFiring(
  watches: readonly Watch[],
  begin: number,
  around: Surroundings,
  say: (line: string) => void,
): Promise<void> {
  for (; ; await around.sleep(1000)) {
    const active = await around.active();
    const hidden = watches.some(
      ({ expectation, fire, inhibited }) => expectation.hearer === "inhibited" && fire !== undefined && !inhibited,
    )
      ? await around.inhibited()
      : [];
    const passed = seconds(around, begin);
    for (const watch of watches) {
      const [firing] = found(watch, active).filter(({ state }) => state === "firing");
      if (firing && watch.fire === undefined) {
        watch.fire = passed;
        say(`${watch.expectation.alert} fires after ${passed.toFixed(0)} s`);
        const problem = around.runbookProblem(firing.annotations.runbook_url);
        if (problem) watch.problems.push(problem);
      }
      if (hidden.some((labels) => matches(watch.wanted, labels))) watch.inhibited = true;
      const delivered = watch.deliver === undefined ? deliveredTo(watch, begin, around)[0] : undefined;
      if (delivered) watch.deliver = (delivered.at - begin) / 1000;
    }
    if (watches.every((watch) => settled(watch, passed))) break;
  }
  for (const watch of watches) {
    const { expectation, bound, fire, deliver } = watch;
    if (fire === undefined) watch.problems.push(`did not fire within ${bound} s`);
    else if (fire > bound) watch.problems.push(`fired after ${fire.toFixed(0)} s, not within ${bound} s`);
    if (expectation.hearer === "inhibited") {
      if (fire !== undefined && !watch.inhibited) watch.problems.push("is not inhibited");
    } else if (fire !== undefined && deliver === undefined)
      watch.problems.push(`was not delivered to ${expectation.hearer} within ${deliverySeconds} s`);
  }
}

/** Whether nothing more is to be waited for: all has come, or its time is over. */
function settled({ expectation, bound, fire, deliver, inhibited }: Watch, passed: number): boolean {
  if (fire === undefined) return passed > bound;
  const heard = expectation.hearer === "inhibited" ? inhibited : deliver !== undefined;
  return heard || passed > Math.max(fire, 0) + deliverySeconds;
}

const since = (watch: Watch, begin: number, around: Surroundings) =>
  around.deliveries.filter(({ labels, at }) => at >= begin && matches(watch.wanted, labels));

const deliveredTo = (watch: Watch, begin: number, around: Surroundings) =>
  since(watch, begin, around).filter(
    ({ status, receiver }) => status === "firing" && receiver === watch.expectation.hearer,
  );

async function awaitSilence(
  watches: readonly Watch[],
  begin: number,
  repaired: number,
  limit: number,
  around: Surroundings,
): Promise<void> {
  const waiting = new Set(watches.filter(({ fire }) => fire !== undefined));
  for (; ; await around.sleep(1000)) {
    const active = await around.active();
    const passed = seconds(around, repaired);
    for (const watch of waiting) {
      if (found(watch, active).length > 0 || unresolved(watch, begin, around).length > 0) continue;
      watch.resolve = passed;
      waiting.delete(watch);
    }
    if (waiting.size === 0) return;
    if (passed <= limit) continue;
    for (const watch of waiting) {
      const still = found(watch, active).length > 0;
      watch.problems.push(
        still
          ? `still active ${limit} s after the repair`
          : `its end was not delivered within ${limit} s after the repair`,
      );
    }
    return;
  }
}

/** Alerts whose last delivery says that they fire. */
function unresolved(watch: Watch, begin: number, around: Surroundings): Delivery[] {
  const last = new Map(
    since(watch, begin, around).map((delivery) => [`${delivery.receiver} ${delivery.fingerprint}`, delivery]),
  );
  return [...last.values()].filter(({ status }) => status === "firing");
}

/** Who heard of it that should not have. */
function judgeDeliveries(watches: readonly Watch[], begin: number, around: Surroundings): void {
  for (const watch of watches) {
    const { hearer } = watch.expectation;
    const others = since(watch, begin, around).filter(
      ({ receiver, status }) => status === "firing" && receiver !== hearer,
    );
    for (const name of new Set(others.map(({ receiver }) => receiver))) {
      watch.problems.push(
        hearer === "inhibited" ? `was delivered to ${name} all the same` : `was delivered to ${name}`,
      );
    }
  }
}

function toRow(scenario: Scenario, watch: Watch): Row {
  const { expectation, bound, fire, deliver, resolve, problems, unverified } = watch;
  return {
    alert: expectation.alert,
    scenario: scenario.id,
    what: scenario.what,
    hearer: expectation.hearer,
    ...(fire === undefined ? {} : { fire }),
    ...(deliver === undefined ? {} : { deliver }),
    ...(resolve === undefined ? {} : { resolve }),
    ...(bound > 0 ? { bound } : {}),
    verdict: problems.length > 0 ? "failed" : unverified.length > 0 ? "unverified" : "passed",
    problems: [...problems, ...unverified],
    ...(scenario.note ? { note: scenario.note } : {}),
  };
}
