import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CommandFailed, shell } from "./shell.js";

/** A program that is built from its Go module, checked against Go's checksum database. */
export interface GoProgram {
  /** What the binary and its folder in the cache are called. */
  readonly name: string;
  /** Path of its main package. */
  readonly module: string;
  readonly version: string;
  /** Environment variable that names a binary which is there already. */
  readonly variable: string;
  /** What it is to people. */
  readonly what: string;
}

/**
 * Builds it once per machine.
 *
 * @param cache folder that holds the binaries
 * @returns path of the binary
 * @throws Error saying what is missing
 */
export async function goProgram(program: GoProgram, cache: string, note: (line: string) => void): Promise<string> {
  const { name, module, version, variable, what } = program;
  const given = process.env[variable];
  if (given) {
    if (!existsSync(given)) throw new Error(`${variable}=${given}: no such file`);
    return given;
  }
  const directory = join(cache, `${name}-${version}`);
  const binary = join(directory, name);
  if (existsSync(binary)) return binary;
  mkdirSync(directory, { recursive: true });
  // What killed builds left; another that runs keeps its folder.
  for (const old of readdirSync(directory))
    if (!existsSync(`/proc/${old.split("-").at(-1)}`)) rmSync(join(directory, old), { recursive: true, force: true });
  const building = join(directory, `building-${process.pid}`);
  note(`building ${module}@${version}`);
  // Whoever comes second waits here, and then finds it all in Go's own cache.
  const lock = ["flock", `${directory}.lock`];
  try {
    await shell([...lock, "go", "install", "-trimpath", "-ldflags=-s -w", `${module}@${version}`], {
      env: {
        GOBIN: building,
        CGO_ENABLED: "0",
        GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? "auto",
        GOFLAGS: "-buildvcs=false",
      },
    });
  } catch (error) {
    const why = error instanceof CommandFailed ? error.message : "no `go` on PATH";
    throw new Error(
      `${what} cannot be built: ${why}\nInstall Go 1.25 or newer (Debian 13: golang-go, which fetches the newer one), or name a ${name} binary in ${variable}.`,
    );
  }
  renameSync(join(building, name), binary);
  rmSync(building, { recursive: true, force: true });
  return binary;
}
