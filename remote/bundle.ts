import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The scripts that run on hosts and in containers, as they are sent to each host. */
export interface Bundle {
  /** Content of each file by its path in the bundle, for example `converge/pg-node.sh`. */
  files: ReadonlyMap<string, string>;
  /** Hash of all of them: names the bundle's folder on the host. */
  hash: string;
}

const scriptsRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "scripts");

const digest = (parts: string[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest("hex").slice(0, 12);
};

function walk(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith("."))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? walk(join(root, entry.name)) : [join(root, entry.name)]));
}

/** Reads `scripts/`; what stands in `scripts/host` lies at the top. */
export function readBundle(root: string = scriptsRoot): Bundle {
  const files = new Map(
    walk(root).map((path) => [relative(root, path).replace(/^host\//, ""), readFileSync(path, "utf8")]),
  );
  return { files, hash: digest([...files].flat()) };
}

/** Hash of the files that one step runs: changes exactly when the step has to run again. */
export function stepHash(bundle: Bundle, step: string, files: readonly string[] = []): string {
  const paths = ["lib.sh", `converge/${step}.sh`];
  for (const prefix of files) {
    const found = [...bundle.files.keys()].filter((path) => path === prefix || path.startsWith(`${prefix}/`));
    if (found.length === 0) throw new Error(`step ${step} needs ${prefix}, which is not in scripts/`);
    paths.push(...found);
  }
  return digest(
    paths.map((path) => {
      const text = bundle.files.get(path);
      if (text === undefined) throw new Error(`no ${path} in scripts/`);
      return text;
    }),
  );
}

/** One line per file, `path base64`: what the installing command reads on its standard input. */
export function packBundle(bundle: Bundle): string {
  return [...bundle.files].map(([path, text]) => `${path} ${Buffer.from(text).toString("base64")}\n`).join("");
}
