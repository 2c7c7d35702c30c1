import { existsSync, readFileSync } from "node:fs";
import { asRoot } from "./shell.js";

/**
 * What all containers' root users share, per user of the machine. systemd needs some ten inotify instances and some
 * ten keyrings (one a service) in each container: with the usual 128 and 200 the third lab's containers do not start,
 * or start without their network.
 */
const limits = [
  { name: "inotify instances", path: "/proc/sys/fs/inotify/max_user_instances", least: 1024 },
  { name: "keys", path: "/proc/sys/kernel/keys/maxkeys", least: 2000 },
  { name: "key bytes", path: "/proc/sys/kernel/keys/maxbytes", least: 2_000_000 },
];

/** What the limits were before the first lab: gone with a reboot, as what was set. */
const former = (name: string) => `/run/restorable-limit-${name.replace(" ", "-")}`;

/** Raises the machine's limits where they are too low for several labs; `restoreLimits` puts them back. */
export async function raiseLimits(): Promise<string> {
  const raised: string[] = [];
  for (const { name, path, least } of limits) {
    const limit = readFileSync(path, "utf8").trim();
    if (Number(limit) >= least) continue;
    if (!existsSync(former(name))) await asRoot(["tee", former(name)], { input: `${limit}\n` });
    await asRoot(["tee", path], { input: `${least}\n` });
    raised.push(`${name} ${limit} -> ${least}`);
  }
  return raised.length > 0 ? `${raised.join(", ")} until the last lab is down` : "enough";
}

/** Puts the limits back to what they were before the first lab. */
export async function restoreLimits(): Promise<void> {
  for (const { name, path } of limits) {
    if (!existsSync(former(name))) continue;
    await asRoot(["tee", path], { input: readFileSync(former(name), "utf8") });
    await asRoot(["rm", "-f", former(name)]);
  }
}
