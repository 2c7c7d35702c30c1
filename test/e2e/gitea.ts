import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { shell } from "../../lab/shell.js";
import { world } from "./lab.js";

const module = "code.gitea.io/gitea";
const version = "v1.26.0";
/** What Go's checksum database says of the module, so that another build of this version is refused even where that is off. */
const sum = "h1:fJP9dqLbzKrKWUVnCVTfVersZdVDuyJQLEDzCAOmKKA=";

/**
 * Folder with Gitea's program `gitea`, and `templates`, `options`, `public` beside it, built once per machine from its Go
 * module: six minutes of two cores. Without cgo, hence without SQLite: its database is the Postgres beside it, as in the
 * source system. Pages come without the stylesheets, which are no part of the module.
 *
 * @throws Error with what Go said
 */
export async function giteaFolder(note: (line: string) => void = console.log): Promise<string> {
  const given = process.env.RESTORABLE_GITEA_FOLDER;
  if (given) {
    if (!existsSync(join(given, "gitea"))) throw new Error(`RESTORABLE_GITEA_FOLDER=${given}: no gitea in it`);
    return given;
  }
  const folder = join(world.cache, `gitea-${version}`);
  // Another run may be at it: one build at a time.
  while (!existsSync(folder) && beingBuilt(folder)) await new Promise((resolve) => setTimeout(resolve, 1000));
  if (existsSync(folder)) return folder;
  const building = `${folder}.building-${process.pid}`;
  rmSync(building, { recursive: true, force: true });
  mkdirSync(building, { recursive: true });
  note(`building ${module}@${version}`);
  try {
    const found = JSON.parse(await shell(["go", "mod", "download", "-json", `${module}@${version}`])) as {
      Dir: string;
      Sum: string;
    };
    if (found.Sum !== sum) throw new Error(`${module}@${version} is ${found.Sum}, not ${sum}`);
    // The module cache is read-only, and Go writes beside the main package.
    const source = join(building, "source");
    cpSync(found.Dir, source, { recursive: true });
    await shell(["chmod", "-R", "u+w", source]);
    await shell(
      [
        "nice",
        "-n",
        "15",
        "go",
        "build",
        "-trimpath",
        "-ldflags",
        `-s -w -X main.Version=${version.slice(1)}`,
        "-o",
        join(building, "gitea"),
        ".",
      ],
      {
        cwd: source,
        env: { CGO_ENABLED: "0", GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? "auto", GOFLAGS: "-buildvcs=false" },
      },
    );
    for (const part of ["templates", "options", "public"]) renameSync(join(source, part), join(building, part));
    rmSync(source, { recursive: true });
    // Another run may have been quicker.
    if (existsSync(folder)) rmSync(building, { recursive: true });
    else renameSync(building, folder);
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    throw new Error(
      `Gitea cannot be built: ${(error as Error).message}\nInstall Go 1.26 or newer, or name a folder with gitea, templates, options and public in RESTORABLE_GITEA_FOLDER.`,
    );
  }
  return folder;
}

function beingBuilt(folder: string): boolean {
  const start = `${basename(folder)}.building-`;
  const cache = dirname(folder);
  const names = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith(start)) : [];
  return names.some((name) => existsSync(`/proc/${name.slice(start.length)}`));
}

// Run by itself it only builds: beside other suites, that need no lab.
if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await giteaFolder();
