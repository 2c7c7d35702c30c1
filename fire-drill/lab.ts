import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { asRoot } from "../lab/shell.js";
import type { World } from "../lab/world.js";
import { mebibytes } from "../render/size.js";
import type { Settings } from "../settings/complete.js";
import { ask } from "../status/prometheus.js";
import type { Receiver } from "./receiver.js";
import type { Place, Step } from "./scenario.js";
import { prelude } from "./shell.js";
import { type ActiveAlert, fill, Interrupted, type Labels, type Surroundings } from "./surroundings.js";

interface Rule {
  name: string;
  type: string;
  duration: number;
}

/** Addresses of the lab's Prometheus and Alertmanager. @throws Error when its settings have none */
export function endpoints({ monitoring }: Settings): { prometheus: string; alertmanager: string } {
  if (!monitoring) throw new Error("this lab has no Prometheus of its own (restorable:monitoring)");
  return { prometheus: `http://${monitoring.address}:9090`, alertmanager: `http://${monitoring.address}:9093` };
}

/** A lab that runs. */
export class Lab implements Surroundings {
  readonly #world: World;
  readonly #settings: Settings;
  readonly #receiver: Receiver;
  readonly #signal: AbortSignal;
  #places: Labels | undefined;

  constructor(args: { world: World; settings: Settings; receiver: Receiver; signal: AbortSignal }) {
    this.#world = args.world;
    this.#settings = args.settings;
    this.#receiver = args.receiver;
    this.#signal = args.signal;
  }

  get deliveries() {
    return this.#receiver.deliveries;
  }

  now = (): number => Date.now();

  sleep(milliseconds: number): Promise<void> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Interrupted());
      const stop = () => {
        clearTimeout(timer);
        reject(new Interrupted());
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  async active(): Promise<ActiveAlert[]> {
    const { prometheus } = endpoints(this.#settings);
    const { data } = await json<{ data: { alerts: ActiveAlert[] } }>(`${prometheus}/api/v1/alerts`);
    return data.alerts;
  }

  async inhibited(): Promise<Labels[]> {
    const { alertmanager } = endpoints(this.#settings);
    const alerts = await json<{ labels: Labels; status: { inhibitedBy: string[] } }[]>(`${alertmanager}/api/v2/alerts`);
    return alerts.filter(({ status }) => status.inhibitedBy.length > 0).map(({ labels }) => labels);
  }

  async forSeconds(alert: string): Promise<number | undefined> {
    const { prometheus } = endpoints(this.#settings);
    const { data } = await json<{ data: { groups: { rules: Rule[] }[] } }>(`${prometheus}/api/v1/rules?type=alert`);
    const rules = data.groups.flatMap((group) => group.rules).filter(({ name }) => name === alert);
    return rules.length === 0 ? undefined : Math.max(...rules.map(({ duration }) => duration));
  }

  runbookProblem(url: string | undefined): string | undefined {
    return runbookProblem(this.#world.root, url);
  }

  /** Answer of an instant query. */
  ask(expr: string) {
    return ask(endpoints(this.#settings).prometheus, expr);
  }

  async places(): Promise<Labels> {
    const { formation, objectStore, offsiteStore, monitoring, postgres } = this.#settings;
    const answers = await Promise.all(
      formation.nodes.map(({ name }) =>
        this.#exec(name, `${prelude}sql -d postgres -c 'SELECT pg_is_in_recovery()'`).catch(() => ""),
      ),
    );
    const writers = formation.nodes.filter((_, index) => answers[index]?.trim() === "f");
    const [primary] = writers;
    const standby = formation.nodes.find((_, index) => answers[index]?.trim() === "t");
    if (!primary || !standby || writers.length > 1) {
      // Another scenario has the formation in hand: the roles are those that it found.
      if (this.#places) return this.#places;
      throw new Error(`${writers.length} data nodes take writes and ${standby ? "one" : "none"} follows`);
    }
    this.#places = {
      primary: primary.name,
      primaryAddress: primary.address,
      standby: standby.name,
      volumeBytes: String(mebibytes(standby.dataSize) * 1024 * 1024),
      monitor: formation.monitor.name,
      monitorAddress: formation.monitor.address,
      host: this.#world.host.name,
      store: objectStore?.name ?? "",
      offsite: offsiteStore?.name ?? "",
      monitoring: monitoring?.name ?? "",
      database: postgres.database,
    };
    return this.#places;
  }

  async run(step: Step, places: Labels): Promise<void> {
    const container = places[step.in satisfies Place];
    if (!container) throw new Error(`this lab has no ${step.in}`);
    await this.#exec(container, prelude + fill(step.run, places));
  }

  /** In a session of its own: Ctrl-C in the terminal does not reach what breaks and what repairs. */
  #exec(container: string, script: string): Promise<string> {
    const command = [
      "incus",
      "-q",
      "--project",
      this.#world.incusProject,
      "exec",
      container,
      "--",
      "bash",
      "-c",
      script,
    ];
    return asRoot(["setsid", "--wait", ...command]).catch((error: unknown) => {
      const output = (error as { output?: string }).output ?? (error as Error).message;
      throw new Error(`${container}: ${output.trim().split("\n").slice(-6).join(" | ")}`);
    });
  }
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch((error: Error) => {
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(`${url} does not answer: ${reason}`);
  });
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return (await response.json()) as T;
}

/** What is wrong with the page of the repository that a `runbook_url` names. */
export function runbookProblem(root: string, url: string | undefined): string | undefined {
  const name = /\/([a-z0-9-]+)\/?$/.exec(url ?? "")?.[1];
  if (!name) return `its runbook_url names no page: ${url ?? "there is none"}`;
  const path = join(root, "runbooks", `${name}.md`);
  if (!existsSync(path)) return `its runbook page runbooks/${name}.md does not exist`;
  return /^# \S/.test(readFileSync(path, "utf8")) ? undefined : `its runbook page runbooks/${name}.md is empty`;
}
