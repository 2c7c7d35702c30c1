import { existsSync, readFileSync, rmSync } from "node:fs";
import { possibleProjects } from "./hosts.js";
import { clusterDown } from "./kubernetes/up.js";
import { restoreLimits } from "./limits.js";
import { startIncus } from "./machine.js";
import { step } from "./progress.js";
import { asRoot, succeeds } from "./shell.js";
import type { World } from "./world.js";

interface Instance {
  name: string;
  project: string;
}

const list = async (args: string[]): Promise<Instance[]> =>
  JSON.parse(await asRoot(["incus", "list", "-f", "json", ...args])) as Instance[];

/** Takes away the lab's containers, images, volumes, projects, pool, bridge and files; nothing else. */
export async function down(world: World, options: { cache: boolean }): Promise<void> {
  const { pool, bridge, cluster } = world;
  if (cluster) await step("kubernetes", () => clusterDown(cluster));
  // A daemon that was found stopped still has what the lab made.
  const left = existsSync(world.directory) || existsSync(`/var/lib/incus/storage-pools/${pool}`);
  if (left && (await succeeds(["incus", "--version"]))) await step("incus", startIncus);
  if (await succeeds(["incus", "info"])) {
    for (const project of possibleProjects(world.name)) await removeProject(project, pool);
    if (await succeeds(["incus", "storage", "show", pool]))
      await step("storage pool", async () => {
        await asRoot(["incus", "-q", "storage", "delete", pool]);
        return `${pool} removed`;
      });
    if (await succeeds(["incus", "network", "show", bridge]))
      await step("bridge", async () => {
        await asRoot(["incus", "-q", "network", "delete", bridge]);
        return `${bridge} removed`;
      });
    await leaveMachine();
  }
  rmSync(world.directory, { recursive: true, force: true });
  if (options.cache) rmSync(world.cache, { recursive: true, force: true });
  console.log(
    `The lab ${world.name} is gone. Left on this machine: the Debian packages that it installed${options.cache ? "" : ` and what it built once (${world.cache}; --cache removes it too)`}.`,
  );
}

/** Removes one of the lab's projects with all that is in it. */
async function removeProject(project: string, pool: string): Promise<void> {
  if (!(await succeeds(["incus", "project", "show", project]))) return;
  await step("containers", async () => {
    const instances = await list(["--project", project]);
    await Promise.all(
      instances.map(({ name }) => asRoot(["incus", "-q", "--project", project, "delete", "--force", name])),
    );
    return `${instances.length} removed`;
  });
  await step("images and volumes", async () => {
    const images = JSON.parse(await asRoot(["incus", "--project", project, "image", "list", "-f", "json"])) as {
      fingerprint: string;
    }[];
    for (const { fingerprint } of images)
      await asRoot(["incus", "-q", "--project", project, "image", "delete", fingerprint]);
    let volumes = 0;
    if (await succeeds(["incus", "storage", "show", pool])) {
      const all = JSON.parse(
        await asRoot(["incus", "--project", project, "storage", "volume", "list", pool, "-f", "json"]),
      ) as { name: string; type: string }[];
      for (const { name, type } of all)
        if (type === "custom") {
          await asRoot(["incus", "-q", "--project", project, "storage", "volume", "delete", pool, name]);
          volumes += 1;
        }
    }
    return `${images.length} images, ${volumes} volumes removed`;
  });
  await step("project", async () => {
    await asRoot(["incus", "-q", "project", "delete", project, "--force"]).catch(() =>
      asRoot(["incus", "-q", "project", "delete", project]),
    );
    return `${project} removed`;
  });
}

/** When nothing runs in Incus any more: the kernel's limit as it was, and the daemon stopped if a lab started it. */
async function leaveMachine(): Promise<void> {
  if ((await list(["--all-projects"])).length > 0) return;
  await restoreLimits();
  const path = "/run/restorable-incusd.pid";
  if (!existsSync(path)) return;
  const pid = readFileSync(path, "utf8").trim();
  if (!(await succeeds(["grep", "-qx", "incusd", `/proc/${pid}/comm`]))) return;
  await asRoot(["incus", "admin", "shutdown", "--timeout", "30"]).catch(() => asRoot(["kill", pid]));
  await asRoot(["rm", "-f", path]);
}
