/** Where a step runs. `primary` and `standby` are the nodes that were so when the scenario began. */
export type Place = "primary" | "standby" | "monitor" | "host" | "store" | "offsite" | "monitoring";

/** Who is to hear of an alert; `inhibited`: nobody, since another alert says it already. */
export type Hearer = "pager" | "ticket" | "deadMansSwitch" | "inhibited";

/** A shell script in a container. Run twice it does no harm: an interrupted drill repairs again. */
export interface Step {
  readonly in: Place;
  readonly run: string;
}

/** An alert that has to come of a scenario. */
export interface Expectation {
  readonly alert: string;
  /** Labels that tell it from others of its name; `{primary}`, `{standby}` and the like stand for the places' names. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly hearer: Hearer;
  /**
   * Seconds from the break until the rule's condition has to hold: age bounds, timers and scrapes on the way to it.
   * The bound of the alert is that, the rule's `for`, and a margin.
   */
  readonly detectSeconds: number;
}

/** `short`: bounds of minutes as seconds. `days`: bounds of days as minutes; then all others make no sense. */
export type Phase = "short" | "days";

/** Something that is broken for real, and what has to be heard of it. */
export interface Scenario {
  readonly id: string;
  readonly phase: Phase;
  /** What is broken, in words. */
  readonly what: string;
  /** What it disturbs: scenarios that share an entry never run side by side. */
  readonly disturbs: readonly string[];
  /** Done before, while everything is still well. */
  readonly prepare?: readonly Step[];
  readonly break: readonly Step[];
  readonly repair: readonly Step[];
  readonly expect: readonly Expectation[];
  /** From the end of the repair until Prometheus and the receiver must be silent, seconds. */
  readonly silenceSeconds: number;
  /** Said beside its rows, where what is broken is not the lab's own. */
  readonly note?: string;
}

/** An alert that no scenario raises, and why. */
export interface NotDrilled {
  readonly alert: string;
  readonly because: string;
}
