import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Service {
  stop(): Promise<void>;
}

/** Starts a program and waits until it is ready. @throws Error with its output when it ends or is not in time */
export async function serve(
  command: string[],
  env: Record<string, string>,
  ready: () => Promise<boolean> | boolean,
): Promise<Service> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (output += data));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", (error) => (output += error.message));
  const until = Date.now() + 30_000;
  while (!(await Promise.resolve(ready()).catch(() => false))) {
    if (child.exitCode !== null || Date.now() > until) {
      child.kill("SIGKILL");
      throw new Error(`${file} did not come up: ${output.slice(-2000)}`);
    }
    await sleep(50);
  }
  return {
    stop: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

/** A port of this address that nobody listens on. */
export function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound ? bound.port : 0));
    });
  });
}

/** Kills a process and all that it started, as the end of the machine would. */
export function killTree(child: ChildProcess): void {
  const children = new Map<number, number[]>();
  for (const pid of readdirSync("/proc").map(Number).filter(Boolean)) {
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    } catch {
      // Ended meanwhile.
    }
  }
  const tree = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(tree)];
  for (const pid of child.pid ? tree(child.pid) : []) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Ended meanwhile.
    }
  }
}
