import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandFailed } from "../lab/shell.js";
import { mendStack, pulumi, settingsFile } from "../lab/stack.js";
import { ensureToolchain, type Toolchain } from "../lab/toolchain/toolchain.js";
import { failures } from "../lab/up.js";
import type { World } from "../lab/world.js";
import { parsePlainSettings } from "../settings/parse.js";
import { readConfigFile } from "../settings/stackFile.js";
import { Journal } from "./journal.js";
import { Lab } from "./lab.js";
import { freshen, listenForSwitch, whyNotWell } from "./ready.js";
import { listen, type Receiver } from "./receiver.js";
import { type Row, repair, runScenario } from "./runner.js";
import type { Phase, Scenario } from "./scenario.js";
import { scenarios as known } from "./scenarios.js";
import { schedule } from "./schedule.js";
import { drillSettings } from "./settings.js";
import { Interrupted } from "./surroundings.js";

export interface DrillArgs {
  readonly world: World;
  readonly scenarios: readonly Scenario[];
  /** Scenarios that run side by side at most. */
  readonly lanes: number;
  /** Aborted: repair, put back, end. */
  readonly signal: AbortSignal;
  /** File that tells the next drill what this one left when it is killed. */
  readonly journal: string;
  readonly say: (line: string) => void;
}

/**
 * The fire drill on a lab that runs.
 *
 * @returns a row for each alert of each scenario
 * @throws Error when nothing can be verified, Interrupted when it is to end; the lab is as it was in both cases, or
 *   the message says what is not
 */
export async function drill(args: DrillArgs): Promise<Row[]> {
  const { world, say, signal } = args;
  const file = settingsFile(world);
  if (!existsSync(file)) throw new Error(`there is no lab ${world.name}: \`npm run lab\` makes it`);
  const settings = parsePlainSettings(readConfigFile(file).raw);
  const toolchain = await ensureToolchain({ cacheDir: world.cache, projectRoot: world.root, log: () => {} });
  const receiver = await listen(`${world.subnet}.1`);
  const lab = new Lab({ world, settings, receiver, signal });
  const journal = new Journal(args.journal);
  try {
    await clearUp(lab, journal, say);
    await lab.active();
    const rows: Row[] = [];
    for (const phase of ["short", "days"] as const) {
      const wanted = args.scenarios.filter((scenario) => scenario.phase === phase);
      if (wanted.length === 0) continue;
      if (signal.aborted) throw new Interrupted();
      if (phase === "short") await freshen(lab, say);
      await apply(world, toolchain, { phase, receiver, journal, say });
      rows.push(await listenForSwitch(lab, phase));
      const ill = phase === "short" ? await whyNotWell(lab, say) : undefined;
      if (ill) throw new Error(`the lab is not well, so nothing was broken: ${ill}`);
      const results = await schedule(wanted, (scenario) => runScenario(scenario, lab, { journal, say }), args.lanes);
      for (const scenario of wanted) rows.push(...(results.get(scenario) ?? []));
    }
    return merged(rows);
  } finally {
    await clearUp(lab, journal, say).catch((error: unknown) => say(`NOT REPAIRED: ${(error as Error).message}`));
    if (journal.settings) await putBack(world, toolchain, journal, say);
    await receiver.close();
  }
}

/** The switch is looked at once in each phase; one row says both. */
function merged(rows: readonly Row[]): Row[] {
  const first = rows.find(({ scenario, verdict }) => scenario === "always" && verdict !== "passed");
  const one = first ?? rows.find(({ scenario }) => scenario === "always");
  return [...(one ? [one] : []), ...rows.filter(({ scenario }) => scenario !== "always")];
}

/** Repairs what a drill left broken. @throws Error that names what stays so */
async function clearUp(lab: Lab, journal: Journal, say: (line: string) => void): Promise<void> {
  const failures: string[] = [];
  for (const { id, places } of journal.open) {
    const scenario = known.find((it) => it.id === id);
    say(`${id}: repairing what was left broken`);
    const failure = scenario ? await repair(scenario, lab, places) : "no such scenario any more";
    if (failure) failures.push(`${id}: ${failure}`);
    else journal.repaired({ id });
  }
  if (failures.length > 0) throw new Error(`still broken: ${failures.join("; ")}`);
}

interface Apply {
  phase: Phase;
  receiver: Receiver;
  journal: Journal;
  say: (line: string) => void;
}

async function apply(world: World, toolchain: Toolchain, { phase, receiver, journal, say }: Apply): Promise<void> {
  const file = join(world.directory, "fire-drill.yaml");
  writeFileSync(file, drillSettings(readFileSync(settingsFile(world), "utf8"), phase, receiver.url));
  journal.settings = true;
  say(`settings of the drill (${phase === "short" ? "minutes as seconds" : "days as minutes"}) ...`);
  await update(world, toolchain, file);
}

/** @throws Error with what Pulumi says is wrong */
async function update(world: World, toolchain: Toolchain, file?: string): Promise<void> {
  await pulumi(world, toolchain, ["up", "--yes", "--skip-preview"], undefined, file).catch((error: unknown) => {
    const reasons = error instanceof CommandFailed ? failures(error.output.split("\n")) : [];
    throw reasons.length > 0 ? new Error(`pulumi up failed:\n${reasons.join("\n")}`) : error;
  });
}

async function putBack(
  world: World,
  toolchain: Toolchain,
  journal: Journal,
  say: (line: string) => void,
): Promise<void> {
  say("settings as they were ...");
  const up = () => update(world, toolchain);
  // Ctrl-C ends an update that is under way as well: its lock and what it was making are brought into order.
  await mendStack(world, toolchain);
  await up().catch(async () => {
    await mendStack(world, toolchain);
    await up();
  });
  rmSync(join(world.directory, "fire-drill.yaml"), { force: true });
  journal.settings = false;
}
