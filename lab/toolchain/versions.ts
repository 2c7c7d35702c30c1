import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Plugins that every stack needs, and those that only some do; the SDK package says which version. */
const PLUGINS = ["command", "random"] as const;
const OPTIONAL = ["kubernetes"] as const;

export type OptionalPlugin = (typeof OPTIONAL)[number];
export type PluginName = (typeof PLUGINS)[number] | OptionalPlugin;

/** What this checkout pins. */
export interface Pins {
  /** The CLI's version, `v3.259.0`. */
  cli: string;
  /** Changes with the pinned modules; part of the built CLI's place. */
  hash: string;
  /** Version of each plugin, without `v`. */
  plugins: Partial<Record<PluginName, string>>;
}

/** Reads the pins of the checkout at `projectRoot`, with those of the plugins that are asked for. */
export async function readPins(projectRoot: string, optional: OptionalPlugin[] = []): Promise<Pins> {
  const module = join(projectRoot, "lab/toolchain/cli");
  const [goMod, goSum] = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(module, name), "utf8")));
  const cli = /pulumi\/pkg\/v3 (v[\d.]+)/.exec(goMod ?? "")?.[1];
  if (cli === undefined) throw new Error("lab/toolchain/cli/go.mod does not name github.com/pulumi/pulumi/pkg/v3");
  const hash = createHash("sha256").update(`${goMod}\n${goSum}`).digest("hex").slice(0, 12);
  const require = createRequire(join(projectRoot, "package.json"));
  const versionOf = (name: PluginName) => (require(`@pulumi/${name}/package.json`) as { version: string }).version;
  const plugins = Object.fromEntries([...PLUGINS, ...optional].map((name) => [name, versionOf(name)]));
  return { cli, hash, plugins };
}
