import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { ageIdentity } from "../../components/ageIdentity.js";
import { incus, inside, must, pulumi, root, run, world } from "./lab.js";

/** Value of each secret by its name. */
export type Secrets = Record<string, string>;

/** A secret where it must not be; never its value. */
export interface Leak {
  secret: string;
  where: string;
}

const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

/** Lines of a PEM file that hold the private part: the last ones. The first lines are alike in all keys. */
const privateLines = (name: string, pem: string): Secrets =>
  Object.fromEntries(
    pem
      .split("\n")
      .filter((line) => /^[A-Za-z0-9+/=]{24,}$/.test(line))
      .slice(-2)
      .map((line, index) => [`${name} ${index + 1}`, line]),
  );

interface StateResource {
  type: string;
  urn: string;
  outputs?: Record<"result" | "base64", { plaintext?: string } | string | undefined>;
}

/** Each secret of the lab: the state's, the keys', the passphrase, the store's administrator. */
export async function knownSecrets(): Promise<Secrets> {
  const { stdout } = await pulumi(["stack", "export", "--show-secrets"]);
  const { deployment } = JSON.parse(stdout) as { deployment: { resources: StateResource[] } };
  const secrets: Secrets = {};
  for (const { type, urn, outputs } of deployment.resources) {
    const plain = (name: "result" | "base64") => {
      const output = outputs?.[name];
      return String(typeof output === "string" ? output : JSON.parse(output?.plaintext ?? '""'));
    };
    const name = urn.split("::").at(-1) ?? urn;
    if (type === "random:index/randomPassword:RandomPassword") secrets[name] = plain("result");
    if (type === "random:index/randomBytes:RandomBytes") {
      secrets[name] = ageIdentity(plain("base64"));
      secrets[`${name} in base64`] = plain("base64");
    }
  }
  const file = (name: string) => readFileSync(join(world.directory, name), "utf8");
  Object.assign(secrets, privateLines("operator's ssh key", file("ssh/id_ed25519")));
  Object.assign(secrets, privateLines("host's ssh key", file("ssh/host_key")));
  secrets["state passphrase"] = file("passphrase").trim();
  for (const store of ["object-store", "offsite-store"]) {
    const environment = await must(store, "cat /var/lib/object-store/admin.env");
    secrets[`${store}'s administrator`] = /^ADMIN_SECRET=(\S+)$/m.exec(environment)?.[1] ?? "";
  }
  const authority = await must(world.host.name, "cat /var/lib/restorable/*/authority/ca.key");
  return Object.assign(secrets, privateLines("authority's key", authority));
}

export function leaksIn(secrets: Secrets, where: string, text: string): Leak[] {
  return Object.entries(secrets)
    .filter(([, value]) => text.includes(value))
    .map(([secret]) => ({ secret, where }));
}

export interface Watch {
  /** Ends it. */
  stop(): Promise<{ leaks: Leak[]; passes: number; processes: number }>;
}

/** Watches the command line and environment of every process, those in the containers included. */
export function watchProcesses(secrets: Secrets): Watch {
  const [file = "", ...args] = [...sudo, process.execPath, fileURLToPath(new URL("processWatch.mjs", import.meta.url))];
  const child = execa(file, args, { reject: false });
  child.stdin.write(`${JSON.stringify(secrets)}\n`);
  return {
    async stop() {
      child.stdin.end();
      const lines = (await child).stdout.split("\n").map((line) => JSON.parse(line));
      const { passes, processes } = lines.pop() as { passes: number; processes: number };
      return { leaks: lines as Leak[], passes, processes };
    },
  };
}

/** Shell text: patterns from standard input into a file for root only, then `search`, which reads it as `$p`. */
const searching = (search: string) =>
  `set -u; umask 077; p=$(mktemp -p /dev/shm); trap 'rm -f "$p"' EXIT; cat >"$p"; ${search}`;

/** Made before any secret was: what has not changed since then cannot hold one. */
const since = () =>
  `-newerct @${Math.floor(statSync(join(world.directory, "ssh", "host_key.pub")).mtimeMs / 1000) - 1}`;

const grep = `xargs -0 -r grep -oHaF -f "$p" -- 2>/dev/null`;

/** Files that somebody other than their owner may read. */
const wide = (paths: string, prune: string) =>
  `find ${paths} \\( ${prune} \\) -prune -o -type f -perm /077 -size -2048k ${since()} -print0 2>/dev/null | ${grep}`;

/** Logs, whoever may read them. */
const logs = `find /var/log /var/lib/postgresql -type f \\( -path '/var/log/*' -o -path '*/log/*' -o -name '*.log' \\) -size -65536k -print0 2>/dev/null | ${grep}`;

const journal = `journalctl --no-pager --quiet -a -o export | grep -oaF -f "$p" | sed 's/^/journal:/'`;

/** Turns lines of `path:secret` into names: the value itself goes no further. */
function named(secrets: Secrets, place: string, output: string): Leak[] {
  const leaks = new Map<string, Leak>();
  for (const line of output.split("\n"))
    for (const [secret, value] of Object.entries(secrets))
      if (line.endsWith(`:${value}`)) {
        const where = `${place} ${line.slice(0, -value.length - 1)}`;
        leaks.set(`${secret} ${where}`, { secret, where });
      }
  return [...leaks.values()];
}

const patterns = (secrets: Secrets) => `${Object.values(secrets).join("\n")}\n`;

/** Not files of ours, or what packages install. */
const packaged = ["/proc", "/sys", "/dev", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/var/lib/dpkg"]
  .map((path) => `-path ${path}`)
  .join(" -o ");

/** Wide files, logs and journal of each container of the lab. */
export async function leaksInContainers(secrets: Secrets): Promise<Leak[]> {
  const names = (await incus("list", "-f", "csv", "-c", "n", "status=running")).stdout.split("\n").filter(Boolean);
  const search = searching([wide("/ /dev/shm", packaged), logs, journal, ":"].join("; "));
  const found = await Promise.all(
    names.map(async (name) => named(secrets, name, (await inside(name, search, patterns(secrets))).stdout)),
  );
  return found.flat();
}

/** Wide files of the checkout, the lab's folder and the machine's own places for files of all kinds; the whole state. */
export async function leaksOnMachine(secrets: Secrets): Promise<Leak[]> {
  const places = [root, world.directory, join(homedir(), ".pulumi"), "/tmp", "/var/tmp", "/var/log"].join(" ");
  const search = searching(
    [
      wide(places, "-name node_modules -o -name .git"),
      `find ${join(world.directory, "state")} -type f -print0 | ${grep}`,
      ":",
    ].join("; "),
  );
  const { stdout } = await run([...sudo, "bash", "-c", search], { input: patterns(secrets) });
  const settings = await incus("list", "-f", "json");
  return [...named(secrets, "machine", stdout), ...leaksIn(secrets, "settings of the containers", settings.stdout)];
}
