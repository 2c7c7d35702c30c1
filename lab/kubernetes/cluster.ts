import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { World } from "../world.js";

/** Everything that a lab's Kubernetes is called: two of them with other names and subnets do not touch each other. */
export interface Cluster {
  name: string;
  /** First three numbers of the /24 of node and pods, for example `10.88.0`. */
  subnet: string;
  /** The node's address, and the API server's. */
  node: string;
  /** The machine's own address in the cluster's network. */
  machine: string;
  /** Addresses of Services; nothing outside the cluster sees them. */
  services: string;
  /** Address of the API server. */
  api: string;
  /** Folder of its own files: keys, settings, logs, data. */
  directory: string;
  /** Folder of sockets and process numbers: gone with a reboot. */
  run: string;
  /** The machine's end of the cable to the node. */
  cable: string;
  /** For `kubectl` and the stack. */
  kubeconfig: string;
  /** Folder of what is built once per machine. */
  cache: string;
}

/** The node's name. */
export const nodeName = "node1";

export const defaultSubnet = "10.88.0";

const ownFolder = (lab: string) => join(lab, "kubernetes");
const kubeconfigIn = (lab: string) => join(ownFolder(lab), "kubeconfig");

const runFolder = (name: string) => `/run/restorable-kubernetes-${name}`;

/** Whether a lab has a cluster, or what a killed run left of one. */
export const hasCluster = ({ name, directory }: Pick<World, "name" | "directory">): boolean =>
  existsSync(ownFolder(directory)) || existsSync(runFolder(name));

/** Subnet of the cluster that the lab in a folder has. */
const subnetOf = (lab: string): string | undefined =>
  existsSync(kubeconfigIn(lab))
    ? /server: https:\/\/(\d+\.\d+\.\d+)\./.exec(readFileSync(kubeconfigIn(lab), "utf8"))?.[1]
    : undefined;

/**
 * A lab's cluster.
 *
 * @param wanted first three numbers of its network; what the cluster has already, else 10.88.0
 * @throws Error when the subnet cannot be used, saying what can
 */
export function clusterOf(world: Pick<World, "name" | "directory" | "cache" | "subnet">, wanted?: string): Cluster {
  const { name, directory, cache, subnet: lab } = world;
  const there = subnetOf(directory);
  const subnet = wanted ?? there ?? defaultSubnet;
  if (there && there !== subnet)
    throw new Error(`--cluster-subnet ${subnet}: this cluster has ${there}; take it down first`);
  if (!/^10\.\d{1,3}\.\d{1,3}$/.test(subnet))
    throw new Error(`--cluster-subnet ${subnet}: three numbers, for example ${defaultSubnet}`);
  if (subnet === lab) throw new Error(`--cluster-subnet ${subnet}: the lab's own network; give it another`);
  const own = ownFolder(directory);
  return {
    name,
    subnet,
    node: `${subnet}.1`,
    machine: `${subnet}.254`,
    services: "10.96.0",
    api: `https://${subnet}.1:6443`,
    directory: own,
    run: runFolder(name),
    cable: `rst${name}k0`,
    kubeconfig: kubeconfigIn(directory),
    cache,
  };
}
