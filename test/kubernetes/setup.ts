import { rmSync } from "node:fs";
import { fill } from "../../lab/kubernetes/fill.js";
import { clusterDown, clusterUp } from "../../lab/kubernetes/up.js";
import { installTools } from "../../lab/machine.js";
import { holdName } from "../../lab/nameLock.js";
import { cluster, kubectl, root, world } from "./cluster.js";

const say = (line: string) => console.log(`kubernetes: ${line}`);
/** Keeps the cluster for the next run: for work on the tests. */
const reuse = Boolean(process.env.RESTORABLE_KUBERNETES_REUSE);

/** A cluster with the sample databases, beside a person's; what a crashed run left is cleared first. */
export async function setup(): Promise<void> {
  holdName(world.name, `tests of Kubernetes in ${root}`);
  if (!reuse) await remove();
  const started = Date.now();
  await installTools();
  say(await clusterUp(cluster, root, say));
  say(await fill(kubectl));
  say(`ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

async function remove(): Promise<void> {
  await clusterDown(cluster);
  rmSync(world.directory, { recursive: true, force: true });
}

export async function teardown(): Promise<void> {
  if (!reuse) await remove();
}
