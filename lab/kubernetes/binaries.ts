import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { type GoProgram, goProgram } from "../goProgram.js";
import { asRoot, CommandFailed, shell } from "../shell.js";

/** The programs of the cluster. */
export interface Binaries {
  /** Folder of Kubernetes' own: kubectl, kubelet, kube-apiserver and the others. */
  kubernetes: string;
  coredns: string;
  /** Folder that holds Debian's programs: containerd, runc, etcd, network plugins. */
  tools: string;
}

/** The cluster's name server. */
const coredns: GoProgram = {
  name: "coredns",
  module: "github.com/coredns/coredns",
  version: "v1.12.4",
  variable: "RESTORABLE_COREDNS_BINARY",
  what: "the cluster's name server",
};

const commands = ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"];

/** Debian's, taken out of their packages: nothing of them starts by itself, or stays. */
const packages = ["containerd", "containernetworking-plugins", "etcd-server", "runc"];

/** The pinned version of Kubernetes. */
function pinned(root: string): { module: string; version: string } {
  const module = join(root, "lab/kubernetes/module");
  const version = /k8s\.io\/kubernetes (v[\d.]+)/.exec(readFileSync(join(module, "go.mod"), "utf8"))?.[1];
  if (!version) throw new Error("lab/kubernetes/module/go.mod does not name k8s.io/kubernetes");
  return { module, version };
}

/** Builds a folder of the cache once per machine; another run that builds the same is waited for. */
async function once(target: string, build: (scratch: string) => Promise<void>): Promise<string> {
  if (existsSync(target)) return target;
  const scratch = `${target}.building-${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    await build(scratch);
    if (!existsSync(target)) await rename(scratch, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}

async function kubernetes(root: string, cache: string, note: (line: string) => void): Promise<string> {
  const { module, version } = pinned(root);
  return once(join(cache, `kubernetes-${version}`), async (scratch) => {
    note(`building Kubernetes ${version} from its Go module, once for this machine (5 minutes or more on 2 cores)`);
    const [major, minor] = version.slice(1).split(".");
    // Without these a program calls itself v0.0.0-master.
    const flags = [`gitVersion=${version}`, `gitMajor=${major}`, `gitMinor=${minor}`, "gitTreeState=clean"]
      .map((flag) => `-X k8s.io/component-base/version.${flag}`)
      .join(" ");
    // Whoever comes second waits here, and then finds it all in Go's own cache.
    const lock = ["flock", join(cache, `kubernetes-${version}.lock`)];
    const paths = commands.map((name) => `k8s.io/kubernetes/cmd/${name}`);
    await shell([...lock, "go", "build", `-ldflags=-s -w ${flags}`, "-o", `${scratch}/`, ...paths], {
      cwd: module,
      env: {
        GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? "auto",
        GOFLAGS: "-buildvcs=false -mod=readonly",
      },
    }).catch((error: unknown) => {
      const why = error instanceof CommandFailed ? error.message : "no `go` on PATH";
      throw new Error(
        `Kubernetes cannot be built: ${why}\nInstall Go 1.25 or newer (Debian 13: golang-go, which fetches the newer one).`,
      );
    });
  });
}

async function debianPrograms(cache: string, note: (line: string) => void): Promise<string> {
  const release = /VERSION_CODENAME=(\w+)/.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  const key = createHash("sha256").update(JSON.stringify(packages)).digest("hex").slice(0, 8);
  return once(join(cache, `kubernetes-tools-${release}-${key}`), async (scratch) => {
    note(`taking ${packages.join(", ")} out of Debian's packages`);
    const debs = join(scratch, "debs");
    mkdirSync(debs);
    await asRoot(["apt-get", "-q", "-o", "Acquire::Retries=3", "update"]);
    await shell(["apt-get", "-q", "-o", "Acquire::Retries=3", "download", ...packages], { cwd: debs });
    for (const deb of readdirSync(debs)) await shell(["dpkg-deb", "-x", join(debs, deb), scratch]);
    rmSync(debs, { recursive: true });
  });
}

/**
 * What the cluster runs, built or fetched once per machine.
 *
 * @param root the checkout
 * @param cache folder of what is built once per machine
 * @throws Error saying what is missing
 */
export async function binaries(root: string, cache: string, note: (line: string) => void): Promise<Binaries> {
  mkdirSync(cache, { recursive: true });
  const tools = await debianPrograms(cache, note);
  // One after the other: each of them takes all of the machine.
  const built = await kubernetes(root, cache, note);
  return { kubernetes: built, coredns: await goProgram(coredns, cache, note), tools };
}

/** `kubectl` of the pinned version, once it was built. */
export const kubectlOf = (root: string, cache: string): string =>
  join(cache, `kubernetes-${pinned(root).version}`, "kubectl");
