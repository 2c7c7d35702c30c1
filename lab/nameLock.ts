import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Who uses a lab's name on this machine. */
interface Holder {
  pid: number;
  /** Start of the process in clock ticks since boot: another process that gets the same number has another one. */
  start: string;
  what: string;
}

/** Set for child processes: number of the process that holds the name on their behalf. */
const heldBy = "RESTORABLE_LAB_HELD_BY";

/** When a process started; undefined when there is none with this number. */
function startOf(pid: number): string | undefined {
  try {
    // The command's name in brackets may hold anything; the 20th field after it is the start.
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[19];
  } catch {
    return undefined;
  }
}

const locks = () => (existsSync("/run/lock") ? "/run/lock" : "/tmp");

const read = (path: string): Holder | undefined => {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
};

/**
 * Takes a lab's name on this machine, whatever checkout it is run from: two runs with one name would work on the same
 * containers. Child processes may use the name as well. What a dead process held is taken over.
 *
 * @param what what is done, for the one who has to wait
 * @returns gives the name back; done at the end of the process at the latest
 * @throws Error with the number of the process that holds the name
 */
export function holdName(name: string, what: string, directory: string = locks()): () => void {
  const path = join(directory, `restorable-lab-${name}.lock`);
  const own: Holder = { pid: process.pid, start: startOf(process.pid) ?? "", what };
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(own));
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        linkSync(mine, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = read(path);
      if (holder && startOf(holder.pid) === holder.start) {
        if (String(holder.pid) === process.env[heldBy]) return () => {};
        throw new Error(
          `the lab ${name} is in use on this machine by process ${holder.pid} (${holder.what}): wait for its end, or give another --name and --subnet`,
        );
      }
      if (attempt > 5) throw new Error(`${path} cannot be taken over from a process that is gone: remove it`);
      takeAway(path, holder);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  process.env[heldBy] = String(process.pid);
  const release = () => {
    if (read(path)?.pid === process.pid) rmSync(path, { force: true });
    process.off("exit", release);
  };
  process.on("exit", release);
  return release;
}

/** Removes the lock of a process that is gone, unless another one was quicker and has taken the name. */
function takeAway(path: string, gone: Holder | undefined): void {
  const aside = `${path}.${process.pid}.gone`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (JSON.stringify(read(aside)) !== JSON.stringify(gone)) linkSync(aside, path);
  rmSync(aside, { force: true });
}
