import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { say } from "../lab/progress.js";
import { world } from "../lab/world.js";
import { drill } from "./drill.js";
import { exitCode, report } from "./report.js";
import type { Scenario } from "./scenario.js";
import { notDrilled, scenarios } from "./scenarios.js";
import { Interrupted } from "./surroundings.js";

const help = `Usage: npm run --silent fire-drill [-- OPTIONS]

Breaks a lab for real, one thing after the other, and waits for each alert: until Prometheus fires, Alertmanager
delivers it to the right receiver, and, after the repair, both are silent. For that time the lab's alerts have short
bounds and this command as their receiver; both are put back at the end. Never use it on data that you need.

  --only NAME,...     these alerts or scenarios only
  --list              print what would be broken
  --json              the table as JSON
  --lanes N           scenarios that run side by side at most (default: 4)
  --name NAME         name of the lab (default: lab)
  --subnet A.B.C      first three numbers of its /24 network (default: 10.77.0)
  --help              this text

Ctrl-C repairs what is broken, puts the settings back and ends. A drill that was killed is cleared up by the next one.
Exit codes: 0 each alert fired, was delivered and went silent in its bounds; 1 one did not; 2 could not verify (no
Prometheus, a lab that was not well before); 64 wrong arguments.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Command `fire-drill`: prints, and sets the exit code. */
export async function fireDrill(argv: string[]): Promise<void> {
  try {
    process.exitCode = await run(argv);
  } catch (error) {
    console.error(
      `restorable: ${error instanceof Interrupted ? "interrupted; everything is as it was" : (error as Error).message}`,
    );
    process.exitCode = error instanceof UsageError ? 64 : 2;
  }
}

class UsageError extends Error {}

async function run(argv: string[]): Promise<number> {
  const values = parse(argv);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const chosen = choose(values.only);
  if (values.list) {
    console.log(listed(chosen));
    return 0;
  }
  const lanes = Number(values.lanes);
  if (!Number.isInteger(lanes) || lanes < 1) throw new UsageError(`--lanes ${values.lanes}: a number from 1`);
  const lab = world({ name: values.name, subnet: values.subnet, root });
  const abort = new AbortController();
  const stop = () => {
    say("interrupted: what is broken is repaired and the settings are put back first");
    abort.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const rows = await drill({
    world: lab,
    scenarios: chosen,
    lanes,
    signal: abort.signal,
    journal: join(lab.directory, "fire-drill.json"),
    say,
  });
  const left = values.only === undefined ? notDrilled : [];
  const code = exitCode(rows);
  console.log(values.json ? JSON.stringify({ code, rows, notDrilled: left }, null, 2) : report(rows, left));
  return code;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        only: { type: "string" },
        list: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        lanes: { type: "string", default: "4" },
        name: { type: "string", default: process.env.RESTORABLE_LAB_NAME ?? "lab" },
        subnet: { type: "string", default: process.env.RESTORABLE_LAB_SUBNET ?? "10.77.0" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(". ")[0]}; see --help`);
  }
}

/** The scenarios that raise these alerts, or have these names. @throws UsageError for one that is neither */
export function choose(only: string | undefined): Scenario[] {
  if (only === undefined) return [...scenarios];
  const names = only.split(",").filter((name) => name !== "");
  const has = (name: string) => (scenario: Scenario) =>
    scenario.id === name || scenario.expect.some(({ alert, hearer }) => alert === name && hearer !== "inhibited");
  for (const name of names) {
    if (!scenarios.some(has(name)))
      throw new UsageError(`--only ${name}: no such alert or scenario; --list prints all`);
  }
  return scenarios.filter((scenario) => names.some((name) => has(name)(scenario)));
}

function listed(chosen: readonly Scenario[]): string {
  const lines = chosen.flatMap(({ id, what, expect, phase }) => [
    `${id}: ${what}${phase === "days" ? " (bounds of days as minutes)" : ""}`,
    ...expect.map(({ alert, hearer }) => `  ${alert} -> ${hearer}`),
  ]);
  return [...lines, ...notDrilled.map(({ alert, because }) => `not drilled: ${alert}: ${because}`)].join("\n");
}
