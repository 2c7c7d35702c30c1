import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../shell.js";
import type { World } from "../world.js";
import { kubectlOf } from "./binaries.js";
import { kubectlOn } from "./fill.js";

interface CronJob {
  metadata: { name: string; namespace: string; uid: string; labels?: Record<string, string> };
}

/** Dumps first, then what looks at them. */
const order = (name: string) => (name.startsWith("restorable-dump-") ? 0 : name.includes("verify") ? 1 : 2);

/**
 * Runs each of the stack's jobs in the cluster once: the dumps, the verification, the drill. What ran already does not
 * run again.
 *
 * @throws CommandFailed with what the job said
 */
export async function firstClusterBackups(world: World, note: (line: string) => void): Promise<string> {
  const { cluster, root } = world;
  if (!cluster) return "no cluster";
  const binary = kubectlOf(root, cluster.cache);
  const marker = join(cluster.directory, "first-backups.json");
  const done = new Set<string>(existsSync(marker) ? JSON.parse(readFileSync(marker, "utf8")) : []);
  const list = await kubectlOn(
    binary,
    cluster,
  )([
    ...["get", "cronjobs", "--all-namespaces", "-o", "json"],
    ...["--selector", "app.kubernetes.io/managed-by=restorable"],
  ]);
  const { items } = JSON.parse(list) as { items: CronJob[] };
  const due = items
    .filter(({ metadata: { uid } }) => !done.has(uid))
    .sort((one, other) => order(one.metadata.name) - order(other.metadata.name));
  for (const { metadata } of due) {
    note(`${metadata.namespace}/${metadata.name}`);
    await shell(
      [
        join(root, "scripts/k8s-drill.sh"),
        ...["--namespace", metadata.namespace, "--cronjob", metadata.name, "--timeout", "900"],
      ],
      { env: { KUBECONFIG: cluster.kubeconfig, PATH: `${join(binary, "..")}:${process.env.PATH ?? ""}` } },
    );
    done.add(metadata.uid);
    writeFileSync(marker, JSON.stringify([...done]));
  }
  return due.length > 0 ? `${due.length} jobs passed` : "as they were";
}
