// What every command needs before anything else: Node itself and the node packages of the lockfile.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Installs the node packages where they are missing or of another lockfile; ends the process when it cannot. */
export function nodePackages() {
  const [major] = process.versions.node.split(".");
  if (Number(major) < 20) {
    console.error(`restorable needs Node 20 or newer; this is ${process.version}.`);
    process.exit(3);
  }
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".restorable-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  const started = Date.now();
  console.error("node packages: installing");
  const { status } = spawnSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", process.stderr, "inherit"],
  });
  if (status !== 0) {
    console.error("node packages: `npm ci` failed; the lines above say why. Is the package registry reachable?");
    process.exit(3);
  }
  writeFileSync(stamp, lock);
  console.error(`node packages: installed (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
