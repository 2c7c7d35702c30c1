import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { debianSource } from "../machine.js";
import { asRoot } from "../shell.js";
import { writeArchive } from "./oci.js";

/** What the pods of the lab run: Debian's Postgres with the tools of dump, upload and drill. */
export const toolsImage = "localhost/restorable-tools:17";
/** Holds a pod's network: the same files, asleep. */
export const pauseImage = "localhost/restorable-pause:1";

/** The user that Postgres runs as; a server wants its user to have a name. */
export const postgresUser = 999;

const path = "/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const user = `postgres:x:${postgresUser}:${postgresUser}`;
const hooks = [
  `--essential-hook=echo '${user}::/var/lib/postgresql:/bin/bash' >>"$1/etc/passwd"; echo '${user.replace(/:\d+$/, ":")}' >>"$1/etc/group"`,
  `--customize-hook=rm -rf "$1"/var/lib/postgresql/17 "$1"/etc/postgresql/17 "$1"/var/cache/apt "$1"/var/lib/apt/lists/*`,
];
const without = ["man", "doc", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);

/** The packages of the tools image, one list for this and the Dockerfile. */
const packages = (root: string) =>
  readFileSync(join(root, "images/tools/packages.txt"), "utf8").split("\n").filter(Boolean);

async function digest(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/**
 * Makes the cluster's images from Debian's packages once per machine: an archive that holds both.
 *
 * @param root the checkout
 * @param cache folder of what is built once per machine
 * @returns path of the OCI archive
 */
export async function images(root: string, cache: string, note: (line: string) => void): Promise<string> {
  const include = packages(root).join(",");
  const key = createHash("sha256")
    .update(JSON.stringify([include, hooks, without, path]))
    .digest("hex")
    .slice(0, 12);
  const archive = join(cache, `kubernetes-images-${key}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(cache, { recursive: true });
  note("building the tools image from Debian's packages");
  const scratch = join(cache, `kubernetes-images-${process.pid}.building`);
  await asRoot(["rm", "-rf", scratch]);
  mkdirSync(scratch);
  try {
    const layer = join(scratch, "layer.tar");
    await asRoot([
      ...["mmdebstrap", "--quiet", "--variant=minbase", `--include=${include}`],
      ...['--aptopt=Apt::Install-Recommends "false"', ...without, ...hooks],
      ...["trixie", layer, debianSource().uri],
    ]);
    const files = { digest: await digest(layer), size: statSync(layer).size, file: layer };
    const building = join(scratch, "archive.tar");
    await writeArchive(scratch, building, files, [
      { name: toolsImage, config: { Env: [`PATH=${path}`], User: "999:999", WorkingDir: "/" } },
      { name: pauseImage, config: { Env: [`PATH=${path}`], User: "65534:65534", Entrypoint: ["sleep", "infinity"] } },
    ]);
    for (const old of readdirSync(cache)) if (/^kubernetes-images-[0-9a-f]+\.tar$/.test(old)) rmSync(join(cache, old));
    await rename(building, archive);
  } finally {
    await asRoot(["rm", "-rf", scratch]);
  }
  return archive;
}
