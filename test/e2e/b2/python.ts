import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, run, world } from "../lab.js";

const requirements = join(root, "test/b2/requirements.txt");

/**
 * A Python with the packages that the B2 stand-in needs, in a virtual environment that is made once per machine.
 *
 * @returns path of the interpreter
 * @throws Error that says what is missing: without it nothing of B2 is tested
 */
export async function standInPython(): Promise<string> {
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const directory = join(world.cache, `b2-stand-in-${hash}`);
  const python = join(directory, "bin/python");
  const done = join(directory, "installed");
  if (existsSync(done)) return python;
  const making = join(directory, "making");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(world.cache, { recursive: true });
  await must(["python3", "-m", "venv", directory], "no Python with venv (Debian: apt-get install python3-venv)");
  await must(
    [
      python,
      "-m",
      "pip",
      "install",
      "-q",
      "--no-deps",
      "--require-hashes",
      "--only-binary",
      ":all:",
      "-r",
      requirements,
    ],
    "the B2 SDK cannot be installed from PyPI, or from the index that pip is set to",
  );
  mkdirSync(making);
  renameSync(making, done);
  return python;
}

async function must(command: string[], reason: string): Promise<void> {
  const { code, output } = await run(command);
  if (code !== 0) throw new Error(`B2 cannot be tested: ${reason}\n${output.slice(-1500)}`);
}
