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

/** @throws Error when the subnet cannot be used, saying what can */
export function clusterOf({ name, directory, cache, subnet: lab }: World, subnet = defaultSubnet): Cluster {
  if (!/^10\.\d{1,3}\.\d{1,3}$/.test(subnet))
    throw new Error(`--cluster-subnet ${subnet}: three numbers, for example ${defaultSubnet}`);
  if (subnet === lab) throw new Error(`--cluster-subnet ${subnet}: the lab's own network; give it another`);
  const own = join(directory, "kubernetes");
  return {
    name,
    subnet,
    node: `${subnet}.1`,
    machine: `${subnet}.254`,
    services: "10.96.0",
    api: `https://${subnet}.1:6443`,
    directory: own,
    run: `/run/restorable-kubernetes-${name}`,
    cable: `rst${name}k0`,
    kubeconfig: join(own, "kubeconfig"),
    cache,
  };
}
