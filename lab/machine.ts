import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { asRoot, shell, succeeds } from "./shell.js";

const tools = ["incus", "lxcfs", "uidmap", "dnsmasq-base", "nftables", "mmdebstrap", "btrfs-progs"];

async function installed(name: string): Promise<boolean> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own format
  return shell(["dpkg-query", "-W", "-f=${db:Status-Status}", name]).then(
    (status) => status === "installed",
    () => false,
  );
}

/** First `Types:` paragraph of the machine's own Debian source, with other suites. */
export function copySource(text: string, suites: string): string {
  const paragraph = text.split(/\n\s*\n/).find((part) => /^Types:/m.test(part)) ?? text;
  return `${paragraph
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/^Suites:.*/, `Suites: ${suites}`))
    .join("\n")
    .trim()}\n`;
}

/** Address and description of the machine's own Debian package source. */
export function debianSource(): { uri: string; deb822?: string } {
  const directory = "/etc/apt/sources.list.d";
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (!name.endsWith(".sources")) continue;
    const text = readFileSync(`${directory}/${name}`, "utf8");
    const uri = /^URIs:\s*(\S*\/debian\/?)\s*$/m.exec(text)?.[1];
    if (uri) return { uri, deb822: text };
  }
  const list = existsSync("/etc/apt/sources.list") ? readFileSync("/etc/apt/sources.list", "utf8") : "";
  const uri = /^deb\s+(?:\[[^\]]*\]\s+)?(\S*\/debian\/?)\s/m.exec(list)?.[1];
  if (!uri) throw new Error("no Debian package source found in /etc/apt: the lab needs Debian 12 or 13");
  return { uri };
}

/** Installs Incus and what the image is made with; gives what it installed. */
export async function installTools(): Promise<string> {
  const missing = [];
  for (const tool of tools) if (!(await installed(tool))) missing.push(tool);
  if (missing.length === 0) return "nothing missing";
  const release = /VERSION_CODENAME=(\w+)/.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  const target = [];
  if (release === "bookworm") {
    const { uri, deb822 } = debianSource();
    const path = `/etc/apt/sources.list.d/restorable-backports.${deb822 ? "sources" : "list"}`;
    const text = deb822 ? copySource(deb822, "bookworm-backports") : `deb ${uri} bookworm-backports main\n`;
    await asRoot(["tee", path], { input: text });
    target.push("-t", "bookworm-backports");
  } else if (release !== "trixie") {
    throw new Error(`the lab runs on Debian 12 or 13; this is ${release ?? "something else"}`);
  }
  await asRoot(["apt-get", "-q", "-o", "Acquire::Retries=3", "update"]);
  await asRoot([
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "-qy",
    "install",
    "--no-install-recommends",
    ...target,
    ...missing,
  ]);
  return `installed ${missing.join(" ")}`;
}

const answers = () => succeeds(["incus", "info"]);

/** Starts the Incus daemon where it is not running; gives what it did. */
export async function startIncus(): Promise<string> {
  if (await answers()) return "running";
  if (existsSync("/run/systemd/system")) {
    await asRoot(["systemctl", "start", "incus.service"]);
  } else {
    const daemon = ["/usr/libexec/incus/incusd", "/usr/sbin/incusd", "/usr/bin/incusd"].find((path) =>
      existsSync(path),
    );
    if (!daemon) throw new Error("incus is installed but its daemon (incusd) is not where Debian puts it");
    const script = `mkdir -p /var/log/incus; echo $$ >/run/restorable-incusd.pid; exec ${daemon} --group incus-admin --logfile /var/log/incus/incusd.log`;
    const command = ["sh", "-c", script];
    const [file = "sh", ...args] = process.getuid?.() === 0 ? command : ["sudo", "-n", ...command];
    spawn(file, args, { detached: true, stdio: "ignore" }).unref();
  }
  for (let wait = 0; wait < 60; wait++) {
    if (await answers()) return "started";
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("the Incus daemon does not answer 30 s after its start: see /var/log/incus/incusd.log");
}
