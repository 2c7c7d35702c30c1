import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { clusterAccepted, clusterSettings } from "./kubernetes/stackSettings.js";
import { locks, onlyStale } from "./lock.js";
import { shell } from "./shell.js";
import type { Toolchain } from "./toolchain/toolchain.js";
import { spreadOverTwoHosts } from "./twoHosts.js";
import type { World } from "./world.js";

/** Name and subnet of the lab that `Pulumi.lab.yaml` describes. */
const shipped = { name: "lab", subnet: "10.77.0" };

/** Environment in which `pulumi` works on the lab's stack: state and passphrase of its own. */
export function stackEnv(world: World, toolchain: Toolchain): Record<string, string> {
  return {
    PATH: [...toolchain.path, process.env.PATH ?? ""].join(":"),
    PULUMI_HOME: join(world.directory, "pulumi-home"),
    PULUMI_BACKEND_URL: `file://${join(world.directory, "state")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(world.directory, "passphrase"),
    // A plain `pulumi up -s lab` reads Pulumi.lab.yaml, which has no salt: it is in the state as well.
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: toolchain.standIns.length > 0 ? "true" : "false",
  };
}

/** Stack settings of a lab: the shipped ones, with names and addresses replaced where it is called otherwise. */
export function renamedSettings(text: string, world: World): string {
  const replace = (value: string) =>
    value
      .replaceAll(`${shipped.subnet}.`, `${world.subnet}.`)
      .replaceAll("restorable-lab", world.incusProject)
      .replaceAll("rstlab0", world.bridge)
      .replaceAll(".lab/lab/", `.lab/${world.name}/`);
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return replace(value);
    if (Array.isArray(value)) return value.map(walk);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
    return value;
  };
  // A plain `pulumi up -s lab` leaves the default lab's salt in the shipped file: no other lab's passphrase fits it.
  const { encryptionsalt: _, ...settings } = walk(parse(text)) as {
    encryptionsalt?: string;
    config: Record<string, unknown>;
  };
  const { major, image } = world.postgres;
  settings.config["restorable:postgres"] = { major };
  settings.config["restorable:image"] = image;
  // Debian 12's pgBackRest, which comes with Postgres 15, has no block incremental backups.
  if (major === 15) Object.assign(settings.config["restorable:backup"] as object, { blockIncremental: false });
  if (world.hosts.length > 1) spreadOverTwoHosts(settings.config, world);
  if (world.cluster) {
    settings.config["restorable:kubernetes"] = clusterSettings(world.name);
    settings.config["restorable:coverage"] = { accepted: clusterAccepted };
  }
  return stringify(settings);
}

/** The lab's own copy of the stack's settings: the CLI writes the stack's salt into it, not into the shipped file. */
export const settingsFile = (world: World) => join(world.directory, "Pulumi.lab.yaml");

const stateFile = (world: World) =>
  join(world.directory, "state", ".pulumi", "stacks", "restorable", `${world.stack}.json`);

/** Arguments that select the lab's stack and, for the commands that read them, its settings or those in `file`. */
export function stackArguments(world: World, command: string, file = settingsFile(world)): string[] {
  const stack = ["--stack", world.stack];
  return command === "stack" ? stack : [...stack, "--config-file", file];
}

/** Makes the lab's backend, passphrase and stack where they are missing. */
export async function prepareStack(world: World, toolchain: Toolchain): Promise<string> {
  const { directory, root } = world;
  mkdirSync(join(directory, "state"), { recursive: true, mode: 0o700 });
  const passphrase = join(directory, "passphrase");
  if (!existsSync(passphrase)) writeFileSync(passphrase, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  writeFileSync(settingsFile(world), renamedSettings(readFileSync(join(root, "Pulumi.lab.yaml"), "utf8"), world));
  const env = stackEnv(world, toolchain);
  const path = [...toolchain.path, dirname(toolchain.pulumi)].join(":");
  const lines = Object.entries(env).map(
    ([key, value]) => `export ${key}='${key === "PATH" ? `${path}:'"$PATH"` : `${value}'`}`,
  );
  writeFileSync(join(directory, "env"), `${lines.join("\n")}\n`);
  if (existsSync(stateFile(world))) return "there";
  // `stack init` writes the salt beside the project file: it is given a copy.
  const scratch = join(directory, "init");
  mkdirSync(scratch, { recursive: true });
  copyFileSync(join(root, "Pulumi.yaml"), join(scratch, "Pulumi.yaml"));
  await shell([toolchain.pulumi, "stack", "init", world.stack, "--non-interactive", "--cwd", scratch], { env });
  rmSync(scratch, { recursive: true, force: true });
  return `stack ${world.stack} made`;
}

/**
 * Brings the stack of a run that was killed into order: its lock, and what it was making just then.
 * @returns what was done; undefined when there was nothing
 * @throws Error when an update is under way
 */
export async function mendStack(world: World, toolchain: Toolchain): Promise<string | undefined> {
  const done: string[] = [];
  if (onlyStale(locks(world))) {
    await shell([toolchain.pulumi, "cancel", "--yes", "--stack", world.stack, "--non-interactive", "--color=never"], {
      cwd: world.root,
      env: stackEnv(world, toolchain),
    });
    done.push("lock of a killed run removed");
  }
  const pending = pendingOperations(world);
  if (pending > 0) {
    // Steps are idempotent, so what was under way is simply done again: nothing has to be asked for.
    await pulumi(world, toolchain, ["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]);
    done.push("what was under way will be done again");
  }
  return done.length > 0 ? done.join(", ") : undefined;
}

/** How many operations the state holds whose end it never learned. */
function pendingOperations(world: World): number {
  if (!existsSync(stateFile(world))) return 0;
  const { checkpoint } = JSON.parse(readFileSync(stateFile(world), "utf8")) as {
    checkpoint?: { latest?: { pending_operations?: unknown[] } };
  };
  return checkpoint?.latest?.pending_operations?.length ?? 0;
}

/** Runs one Pulumi command on the lab's stack, with its settings or those in `file`; output goes to `onLine`. */
export function pulumi(
  world: World,
  toolchain: Toolchain,
  args: string[],
  onLine?: (line: string) => void,
  file?: string,
): Promise<string> {
  const [command = "", ...rest] = args;
  return shell(
    [toolchain.pulumi, command, ...rest, ...stackArguments(world, command, file), "--non-interactive", "--color=never"],
    {
      cwd: world.root,
      env: stackEnv(world, toolchain),
      ...(onLine ? { onLine } : {}),
    },
  );
}
