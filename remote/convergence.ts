import type { Facts } from "./facts.js";
import { generationOf, type LastKnown } from "./generation.js";
import type { Standing } from "./replacement.js";

/** Hands out the generation of each step, and remembers those above 1 for the stack's `convergence` output. */
export class Convergence {
  readonly generations: Record<string, number> = {};
  readonly #facts: ReadonlyMap<string, Facts>;
  readonly #lastKnown: LastKnown;

  /** @param facts by host name; a host that is absent here was not looked at. */
  constructor(facts: ReadonlyMap<string, Facts>, lastKnown: LastKnown) {
    this.#facts = facts;
    this.#lastKnown = lastKnown;
  }

  /** Generation of a step; of a container's own step, also raised when the container is not running. */
  generation(host: string, target: string, step: string, container?: string): number {
    const facts = this.#facts.get(host) ?? { known: false, reason: "not looked at" };
    let generation = generationOf(facts, this.#lastKnown, host, target, step);
    if (container !== undefined && facts.known) {
      const recorded = facts.facts.steps.get(`${target}/${step}`);
      const running = facts.facts.instances.get(container)?.status === "RUNNING";
      if (recorded?.verdict === "ok" && !running) generation += 1;
    }
    if (generation > 1) this.generations[`${host}/${target}/${step}`] = generation;
    return generation;
  }

  /** How a container stands on its host. */
  standing(host: string, container: string): Standing {
    const facts = this.#facts.get(host);
    if (!facts?.known) return { known: false };
    const { image, role } = facts.facts.instances.get(container) ?? {};
    return { known: true, ...(image ? { image } : {}), ...(role ? { role } : {}) };
  }

  /** Sentences for a person: what differs from what was installed, and which hosts could not be looked at. */
  describe(): string[] {
    const lines: string[] = [];
    for (const [host, facts] of this.#facts) {
      if (!facts.known) {
        lines.push(`host ${host} could not be looked at, so drift on it is unknown: ${facts.reason}`);
        continue;
      }
      for (const [key, fact] of facts.facts.steps) {
        if (fact.verdict === "gone")
          lines.push(`host ${host}: the container of ${key} is gone; the step will run again`);
        else if (fact.verdict !== "ok")
          lines.push(
            `host ${host}: ${fact.verdict.replace("altered:", "")} was changed or removed by another hand; step ${key} will run again`,
          );
      }
    }
    return lines;
  }
}
