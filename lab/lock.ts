import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { World } from "./world.js";

/** Who holds a lock of the lab's backend. */
export interface Lock {
  pid: number;
  hostname: string;
  timestamp: string;
}

/** The locks on the lab's stack; one that cannot be read counts as nobody's. */
export function locks(world: World): Lock[] {
  const directory = join(world.directory, "state", ".pulumi", "locks", "organization", "restorable", world.stack);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => {
      try {
        return JSON.parse(readFileSync(join(directory, name), "utf8")) as Lock;
      } catch {
        return { pid: 0, hostname: hostname(), timestamp: "" };
      }
    });
}

/** Whether a Pulumi process with this number runs here; a number that another program got since is none. */
function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pulumi");
  } catch {
    return false;
  }
}

/**
 * Whether locks were left by updates that were killed, and nothing else holds one.
 * @throws Error when an update is under way, here or, as far as can be told, elsewhere
 */
export function onlyStale(held: Lock[], alive: (pid: number) => boolean = runs): boolean {
  for (const { pid, hostname: where, timestamp } of held) {
    if (where !== hostname())
      throw new Error(
        `the lab's stack is locked by process ${pid} on ${where} since ${timestamp}: wait for its end, or where that is over, run \`pulumi cancel\``,
      );
    if (alive(pid))
      throw new Error(
        `another update of this lab is under way (process ${pid}, since ${timestamp}): wait for its end and run this again`,
      );
  }
  return held.length > 0;
}
