import { execa } from "execa";

/**
 * Runs `promtool` from PATH in `cwd` and resolves with all that it printed.
 *
 * @throws Error with promtool's own words when it exits non-zero; naming the package when it is not installed.
 */
export async function promtool(cwd: string, ...args: string[]): Promise<string> {
  const run = await execa("promtool", args, { cwd, all: true, reject: false });
  if (run.code === "ENOENT") {
    throw new Error("promtool is not installed: it is in the Debian package `prometheus`");
  }
  if (run.exitCode !== 0) throw new Error(`promtool ${args.join(" ")}:\n${run.all}`);
  return run.all;
}
