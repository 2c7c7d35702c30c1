import { drilledNow, drills, firstBackups, lastDrills, seedUsers } from "./drill.js";
import { escrowTime, labEscrow } from "./escrow.js";
import { firstExports } from "./exports.js";
import { makeHosts } from "./host.js";
import { baseImages } from "./image.js";
import { firstProbe } from "./immutability.js";
import { makeProject } from "./incus.js";
import { kubectlOf } from "./kubernetes/binaries.js";
import { fill, kubectlOn } from "./kubernetes/fill.js";
import { firstClusterBackups } from "./kubernetes/firstBackups.js";
import { clusterUp } from "./kubernetes/up.js";
import { raiseLimits } from "./limits.js";
import { installTools, startIncus } from "./machine.js";
import { scraped } from "./monitoring.js";
import { say, step } from "./progress.js";
import { mendStack, prepareStack, pulumi } from "./stack.js";
import { storeBinary, storeOnHost } from "./store.js";
import { summary } from "./summary.js";
import { ensureToolchain, type Toolchain } from "./toolchain/toolchain.js";
import type { World } from "./world.js";

/** From nothing to a running lab with a first backup and a passed drill; run again, it changes nothing. */
export async function up(world: World, options: { drill: boolean }): Promise<void> {
  const abort = new AbortController();
  // Ctrl-C reaches Pulumi as well, which lets the steps under way end; a listener that stays keeps this process too.
  process.on("SIGINT", () => {
    if (abort.signal.aborted) process.exit(130);
    say("interrupted: what is under way ends first (again: at once); run again, the lab goes on where it was");
    abort.abort();
  });
  const machine = async () => {
    await step("packages", installTools);
    await step("incus", startIncus);
    await step("limits", raiseLimits);
    await step("project", () => makeProject(world));
    await step("image", (note) => baseImages(world, note));
    await step("host", () => makeHosts(world));
  };
  const { cluster } = world;
  const [toolchain, binary] = await Promise.all([
    ensureToolchain({
      cacheDir: world.cache,
      projectRoot: world.root,
      log: say,
      signal: abort.signal,
      plugins: world.cluster ? ["kubernetes"] : [],
    }),
    storeBinary(world, say),
    machine(),
  ]);
  if (cluster) {
    await step("kubernetes", (note) => clusterUp(cluster, world.root, note));
    await step("databases in it", () => fill(kubectlOn(kubectlOf(world.root, world.cache), cluster)));
  }
  await step("store", () => storeOnHost(world, binary));
  await step("stack", async () => {
    const made = await prepareStack(world, toolchain);
    return (await mendStack(world, toolchain)) ?? made;
  });
  const deployed = await step("deploy", (note) => deploy(world, toolchain, note));
  await step("seed", () => seedUsers(world));
  const backup = await step("first backups", () => firstBackups(world));
  await step("immutability", () => firstProbe(world));
  if (options.drill) await step("exports", () => firstExports(world));
  const escrow = await step("escrow", () => labEscrow(world, toolchain));
  const drilled = options.drill ? await step("drills", (note) => drills(world, note)) : "left out";
  if (cluster && options.drill) await step("backups of the cluster", (note) => firstClusterBackups(world, note));
  await step("monitoring", () => scraped(world));
  const changed =
    deployed !== noChanges || backup.includes("taken") || !escrow.startsWith("there") || drilled.includes(drilledNow);
  console.log(summary(world, toolchain, changed, await lastDrills(world), await escrowTime(world)));
}

const noChanges = "no changes";

/** `pulumi up`: one line for each resource that is done, each warning and each error; says what it changed. */
async function deploy(world: World, toolchain: Toolchain, note: (line: string) => void): Promise<string> {
  const output: string[] = [];
  const text = await pulumi(world, toolchain, ["up", "--yes", "--skip-preview"], (line) => {
    output.push(line);
    const done =
      /^ ?[+~-]+ +command:remote:Command (\S+) (created|updated|deleted|\*\*.*failed\*\*) ?(\([^)]*\))?/.exec(line);
    if (done) note(`${done[1]} ${done[2]} ${done[3] ?? ""}`.trim());
    else if (/^ {4}warning: (?!using pulumi-)/.test(line)) note(line.trim());
  }).catch((error: unknown) => {
    const reasons = failures(output);
    throw reasons.length > 0
      ? new Error(
          `pulumi up failed:\n${reasons.join("\n")}\n\nMend it and run the same command again: it goes on from here.`,
        )
      : error;
  });
  const counts = [...text.matchAll(/^ +([+~-]+ ?\d+ \w+)$/gm)].map(([, count]) => count);
  return counts.length > 0 ? counts.join(", ") : noChanges;
}

/** The lines under "Diagnostics" that say why a resource failed, without the command's own text. */
export function failures(output: string[]): string[] {
  const start = output.indexOf("Diagnostics:");
  const end = output.findIndex((line, index) => index > start && /^(Outputs|Resources):/.test(line));
  return output
    .slice(start + 1, end < 0 ? undefined : end)
    .filter((line) => line.trim() !== "" && !/^ {4}(warning:|error: update failed)/.test(line))
    .map((line) => line.replace(/^( {4}error: .*?): running ".*":$/, "$1:"));
}
