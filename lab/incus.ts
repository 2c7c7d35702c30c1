import { asRoot, type ShellOptions, succeeds } from "./shell.js";
import type { World } from "./world.js";

/** The Incus client in one of the lab's projects. */
export const incus = (project: string, args: string[], options: ShellOptions = {}) =>
  asRoot(["incus", "-q", "--project", project, ...args], options);

/** Project of the lab's host that a container is on. @throws Error when none of them has it */
export async function projectOf({ hosts, incusProject }: World, container: string): Promise<string> {
  if (hosts.length === 1) return incusProject;
  for (const { incusProject: project } of hosts) if (await exists(project, "instance", container)) return project;
  throw new Error(`none of the lab's hosts has a container ${container} (${hosts.map(({ name }) => name).join(", ")})`);
}

/** Runs a script in a container, on whichever of the lab's hosts it is. */
export const inContainer = async (world: World, container: string, script: string, options: ShellOptions = {}) =>
  incus(await projectOf(world, container), ["exec", container, "--", "bash", "-c", script], options);

export const exists = (project: string, kind: "image" | "instance", name: string) =>
  succeeds(["incus", "-q", "--project", project, ...(kind === "image" ? ["image", "info"] : ["info"]), name]);

/** Projects, storage pool and bridge of the lab; makes what is missing. */
export async function makeProject(world: World): Promise<string> {
  const made: string[] = [];
  const { hosts, pool, bridge, subnet } = world;
  for (const { incusProject } of hosts) {
    if (await succeeds(["incus", "project", "show", incusProject])) continue;
    await asRoot([
      "incus",
      "project",
      "create",
      incusProject,
      "-c",
      "features.images=true",
      "-c",
      "features.profiles=true",
      "-c",
      "features.storage.volumes=true",
      "-c",
      "features.networks=false",
    ]);
    made.push(`project ${incusProject}`);
  }
  if (!(await succeeds(["incus", "storage", "show", pool]))) {
    await asRoot(["incus", "storage", "create", pool, "btrfs", "size=40GiB"]);
    made.push(`storage pool ${pool}`);
  }
  if (!(await succeeds(["incus", "network", "show", bridge]))) {
    await asRoot([
      "incus",
      "network",
      "create",
      bridge,
      `ipv4.address=${subnet}.1/24`,
      "ipv4.nat=true",
      "ipv6.address=none",
      `ipv4.dhcp.ranges=${subnet}.100-${subnet}.250`,
    ]);
    made.push(`bridge ${bridge} (${subnet}.0/24)`);
  }
  return made.length > 0 ? `made ${made.join(", ")}` : "as it was";
}
