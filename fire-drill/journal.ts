import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Scenario } from "./scenario.js";
import type { Labels } from "./surroundings.js";

interface Entry {
  readonly id: string;
  readonly places: Labels;
}

/** What a drill has changed and not put back yet: a file, so that the next one can when this one is killed. */
export class Journal {
  #settings = false;
  #broken: Entry[] = [];

  constructor(readonly path: string) {
    if (!existsSync(path)) return;
    const { settings, broken } = JSON.parse(readFileSync(path, "utf8")) as { settings: boolean; broken: Entry[] };
    this.#settings = settings;
    this.#broken = broken;
  }

  /** Whether the stack has the drill's settings. */
  get settings(): boolean {
    return this.#settings;
  }

  set settings(changed: boolean) {
    this.#settings = changed;
    this.#write();
  }

  /** What is broken, the last first. */
  get open(): readonly Entry[] {
    return [...this.#broken].reverse();
  }

  broken({ id }: Scenario, places: Labels): void {
    this.#broken.push({ id, places });
    this.#write();
  }

  repaired({ id }: Pick<Scenario, "id">): void {
    this.#broken = this.#broken.filter((entry) => entry.id !== id);
    this.#write();
  }

  #write(): void {
    if (!this.#settings && this.#broken.length === 0) {
      rmSync(this.path, { force: true });
      return;
    }
    writeFileSync(`${this.path}.new`, JSON.stringify({ settings: this.#settings, broken: this.#broken }));
    renameSync(`${this.path}.new`, this.path);
  }
}
