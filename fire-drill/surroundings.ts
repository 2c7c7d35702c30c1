import type { Delivery } from "./receiver.js";
import type { Step } from "./scenario.js";

export type Labels = Readonly<Record<string, string>>;

/** An alert that Prometheus holds. */
export interface ActiveAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: "pending" | "firing";
}

/** All that a drill sees and touches; a test has its own. */
export interface Surroundings {
  /** Alerts that Prometheus holds now. */
  active(): Promise<readonly ActiveAlert[]>;
  /** Labels of the alerts that Alertmanager keeps from people because of another one. */
  inhibited(): Promise<readonly Labels[]>;
  /** The longest `for` of the rules of this name as Prometheus has them loaded, seconds; undefined: it has none. */
  forSeconds(alert: string): Promise<number | undefined>;
  readonly deliveries: readonly Delivery[];
  /** What is wrong with the page that a `runbook_url` names; undefined when it is there. */
  runbookProblem(url: string | undefined): string | undefined;
  /** Names and addresses that stand in braces in scenarios, as they are now: `primary`, `standby`, ... */
  places(): Promise<Labels>;
  run(step: Step, places: Labels): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
  /** @throws Interrupted when the drill is to end */
  sleep(milliseconds: number): Promise<void>;
}

/** Somebody wants the drill to end: what is broken is repaired, then it ends. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted");
  }
}

/** Whether these labels are among those. */
export const matches = (wanted: Labels, labels: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value);

/** Text with each `{name}` replaced. @throws Error for a name that is no place */
export function fill(text: string, places: Labels): string {
  return text.replaceAll(/\{([a-z][A-Za-z]*)\}/g, (whole, name: string) => {
    const value = places[name];
    if (value === undefined) throw new Error(`${whole} stands for nothing here`);
    return value;
  });
}
