import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { kubectlOf } from "../../lab/kubernetes/binaries.js";
import { clusterOf } from "../../lab/kubernetes/cluster.js";
import { kubectlOn } from "../../lab/kubernetes/fill.js";
import { world as makeWorld } from "../../lab/world.js";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The tests' own, beside a person's: a lab that is nothing but its Kubernetes. */
export const world = makeWorld({
  name: process.env.RESTORABLE_KUBERNETES_NAME ?? "k8stest",
  subnet: "10.89.1",
  root,
  kubernetes: true,
  clusterSubnet: process.env.RESTORABLE_KUBERNETES_SUBNET ?? "10.89.0",
});

export const cluster = world.cluster ?? clusterOf(world);

/** `kubectl` on the tests' cluster: its standard output. @throws CommandFailed */
export const kubectl = (args: string[], input?: string): Promise<string> =>
  kubectlOn(kubectlOf(root, cluster.cache), cluster)(args, input);

/** An object as it is. @throws CommandFailed when there is none */
// biome-ignore lint/suspicious/noExplicitAny: objects of any kind
export const get = async (namespace: string, object: string): Promise<any> =>
  JSON.parse(await kubectl(["-n", namespace, "get", object, "-o", "json"]));

/** Applies objects. */
export const apply = (...objects: object[]): Promise<string> =>
  kubectl(
    ["apply", "--server-side", "--field-manager=tests", "--force-conflicts", "-f", "-"],
    objects.map((object) => stringify(object)).join("---\n"),
  );

/** A folder of the tests' own, gone with the cluster. */
export function scratch(name: string): string {
  const directory = join(world.directory, "tests", name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

/** Writes a file that its owner alone reads; gives its path. */
export function privateFile(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
