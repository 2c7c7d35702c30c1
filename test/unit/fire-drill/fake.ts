import type { Delivery, ReceiverName } from "../../../fire-drill/receiver.js";
import type { Scenario, Step } from "../../../fire-drill/scenario.js";
import { type ActiveAlert, Interrupted, type Labels, type Surroundings } from "../../../fire-drill/surroundings.js";

export const scenario: Scenario = {
  id: "store-stopped",
  phase: "short",
  what: "the store is stopped",
  disturbs: ["store"],
  break: [{ in: "store", run: "break" }],
  repair: [{ in: "store", run: "repair" }],
  expect: [{ alert: "Dead", labels: { instance: "{standby}" }, hearer: "pager", detectSeconds: 10 }],
  silenceSeconds: 40,
};

/** How the world of a test behaves; each left out as it should be. */
export interface Behaviour {
  /** Seconds from the break until it fires; undefined: never. */
  fires?: number | undefined;
  firesBefore?: boolean;
  delivered?: ReceiverName[];
  resolves?: boolean;
  staysActive?: boolean;
  inhibited?: boolean;
  runbook?: string | undefined;
  noRule?: boolean;
  /** A step that fails, by its text. */
  failing?: string;
  /** Prometheus stops to answer after the break. */
  deaf?: boolean;
  /** Interrupted so many seconds after the break. */
  interruptedAfter?: number;
}

/** A Prometheus and an Alertmanager in simulated time. */
export class Fake implements Surroundings {
  readonly deliveries: Delivery[] = [];
  readonly steps: string[] = [];
  #now = 1_000_000;
  #broken: number | undefined;
  #repaired: number | undefined;

  constructor(readonly behaviour: Behaviour = {}) {}

  now = () => this.#now;
  places = async (): Promise<Labels> => ({ primary: "one", standby: "two", store: "store" });
  forSeconds = async () => (this.behaviour.noRule ? undefined : 5);
  runbookProblem = (url: string | undefined) => (url === "page" ? undefined : `no page ${url}`);

  async run(step: Step, _places: Labels): Promise<void> {
    this.steps.push(step.run);
    if (step.run === this.behaviour.failing) throw new Error(`${step.run} failed`);
    if (step.run === "break") this.#broken = this.#now;
    if (step.run === "repair") this.#repaired = this.#now;
  }

  async sleep(milliseconds: number): Promise<void> {
    const { interruptedAfter } = this.behaviour;
    this.#now += milliseconds;
    if (interruptedAfter !== undefined && this.#since(this.#broken) >= interruptedAfter) throw new Interrupted();
    this.#deliver();
  }

  async active(): Promise<ActiveAlert[]> {
    const { deaf, firesBefore } = this.behaviour;
    if (deaf && this.#broken !== undefined) throw new Error("no answer");
    const annotations: Record<string, string> = {};
    const runbook = "runbook" in this.behaviour ? this.behaviour.runbook : "page";
    if (runbook !== undefined) annotations.runbook_url = runbook;
    const labels = { alertname: "Dead", instance: "two", severity: "critical" };
    const other = { alertname: "Dead", instance: "one", severity: "critical" };
    const alert = { labels: firesBefore || this.#holds() ? labels : other, annotations, state: "firing" as const };
    return [alert];
  }

  async inhibited(): Promise<Labels[]> {
    return this.behaviour.inhibited ? [{ alertname: "Dead", instance: "two" }] : [];
  }

  #since(moment: number | undefined): number {
    return moment === undefined ? Number.NEGATIVE_INFINITY : (this.#now - moment) / 1000;
  }

  #holds(): boolean {
    const fires = "fires" in this.behaviour ? this.behaviour.fires : 12;
    if (fires === undefined || this.#since(this.#broken) < fires) return false;
    return this.behaviour.staysActive === true || this.#since(this.#repaired) < 4;
  }

  #deliver(): void {
    const { delivered = ["pager"], resolves = true } = this.behaviour;
    for (const receiver of delivered) {
      const last = this.deliveries.filter((it) => it.receiver === receiver).at(-1)?.status;
      const holds = this.#repaired === undefined ? this.#holds() : this.#since(this.#repaired) < 4;
      if (holds === (last === "firing")) continue;
      if (!holds && (last === undefined || last === "resolved" || !resolves)) continue;
      this.deliveries.push({
        receiver,
        status: holds ? "firing" : "resolved",
        labels: { alertname: "Dead", instance: "two" },
        annotations: {},
        fingerprint: "f",
        at: this.#now,
      });
    }
  }
}
