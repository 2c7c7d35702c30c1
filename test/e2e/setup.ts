import { holdName } from "../../lab/nameLock.js";
import { root, runLab, world } from "./lab.js";

/** A lab of the tests' own, beside a person's; what a crashed run left is cleared first. */
export async function setup(): Promise<void> {
  // For all of the run: another one with the same name would clear this one's lab.
  holdName(world.name, `end-to-end tests in ${root}`);
  if (process.env.RESTORABLE_E2E_REUSE) return;
  await runLab("down");
  const started = Date.now();
  const { code, output } = await runLab("up", [], (line) => console.log(line));
  if (code !== 0) throw new Error(`npm run lab failed (exit ${code}):\n${output.split("\n").slice(-30).join("\n")}`);
  console.log(`npm run lab: ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

export async function teardown(): Promise<void> {
  if (process.env.RESTORABLE_E2E_REUSE) return;
  await runLab("down");
}
