import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asRoot, CommandFailed } from "../shell.js";
import { type Binaries, binaries } from "./binaries.js";
import { type Cluster, nodeName } from "./cluster.js";
import { adminKubeconfig, configFiles } from "./configs.js";
import { kubectlOn } from "./fill.js";
import { images } from "./images.js";
import { launchOnNode, onNode, removeNode, startNode } from "./node.js";
import { makePki } from "./pki.js";
import { ctr, programs } from "./programs.js";

type Note = (line: string) => void;

/** Polls until a command succeeds. @throws Error with its last words when it does not in time */
async function until(what: string, seconds: number, holds: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (Date.now() > end)
        throw new Error(`${what}: not within ${seconds} s: ${error instanceof CommandFailed ? error.output : error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function writeConfigs(cluster: Cluster, tools: string): Promise<void> {
  const resolvers = [...readFileSync("/etc/resolv.conf", "utf8").matchAll(/^nameserver\s+(\S+)/gm)].map(
    ([, address = ""]) => address,
  );
  for (const folder of ["cni", "logs", "data"]) await asRoot(["mkdir", "-p", join(cluster.directory, folder)]);
  for (const { name, text } of configFiles(cluster, tools, resolvers)) {
    const path = join(cluster.directory, name);
    await asRoot(["install", "-m", "0600", "/dev/null", path]);
    await asRoot(["tee", path], { input: text });
  }
}

/** Imports the images that the cluster does not have. */
async function importImages(cluster: Cluster, found: Binaries, archive: string, note: Note): Promise<void> {
  const marker = join(cluster.directory, "data", "images");
  const there = await asRoot(["cat", marker]).catch(() => "");
  if (there.trim() === archive) return;
  note("importing images");
  await onNode(cluster, [...ctr(cluster, found), "images", "import", archive]);
  await asRoot(["tee", marker], { input: archive });
}

/**
 * Builds what is missing, and starts a Kubernetes of one node; run again, it starts only what does not run.
 *
 * @param root the checkout
 */
export async function clusterUp(cluster: Cluster, root: string, note: Note): Promise<string> {
  const [found, archive] = await Promise.all([binaries(root, cluster.cache, note), images(root, cluster.cache, note)]);
  return startCluster(cluster, found, archive, note);
}

async function startCluster(cluster: Cluster, found: Binaries, archive: string, note: Note): Promise<string> {
  const path = ["usr/bin", "usr/sbin"].map((folder) => join(found.tools, folder));
  mkdirSync(cluster.directory, { recursive: true });
  await makePki(cluster);
  await writeConfigs(cluster, found.tools);
  writeFileSync(cluster.kubeconfig, await adminKubeconfig(cluster), { mode: 0o600 });
  await startNode(cluster);
  const list = programs(cluster, found);
  const kubectl = kubectlOn(join(found.kubernetes, "kubectl"), cluster);
  const started: string[] = [];
  const start = async (name: string) => {
    const program = list[name];
    if (program && (await launchOnNode(cluster, program, path))) started.push(name);
  };
  await start("containerd");
  await until("containerd", 120, () => onNode(cluster, [...ctr(cluster, found), "version"]));
  await Promise.all([
    importImages(cluster, found, archive, note),
    (async () => {
      await start("etcd");
      await start("kube-apiserver");
      await until("the API server", 300, () => kubectl(["get", "--raw", "/readyz"]));
      note("the API server answers");
      for (const name of ["kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"]) await start(name);
    })(),
  ]);
  await start("kubelet");
  await until("the node", 300, () => kubectl(["wait", "--for=condition=Ready", `node/${nodeName}`, "--timeout=1s"]));
  // A pod is refused until its namespace has this account.
  await until("the default account", 300, () => kubectl(["get", "serviceaccount", "default"]));
  return started.length > 0 ? `started ${started.join(", ")}` : "as it was";
}

/** Takes the cluster away with all that runs in it, and what a killed run left of it. */
export async function clusterDown(cluster: Cluster): Promise<string> {
  await removeNode(cluster);
  return "removed";
}
