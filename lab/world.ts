import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { hostCount, type LabHost, labHosts } from "./hosts.js";
import { type Cluster, clusterOf, hasCluster } from "./kubernetes/cluster.js";

/** Everything that a lab is called: two labs with other names and subnets do not touch each other. */
export interface World {
  name: string;
  /** First three numbers of its /24, for example `10.77.0`. */
  subnet: string;
  /** Checkout of this project. */
  root: string;
  /** Folder of the lab's own files: keys, passphrase, Pulumi state. */
  directory: string;
  /** Folder of what is built once per machine. */
  cache: string;
  /** Incus project of the first host. */
  incusProject: string;
  bridge: string;
  pool: string;
  /** Pulumi stack. */
  stack: string;
  /** The containers that play Incus hosts. */
  hosts: [LabHost, ...LabHost[]];
  /** The first of them: store and drill are on it. */
  host: LabHost;
  /** Names of the containers that hold data nodes. */
  dataNodes: string[];
  /** Alias of the hosts' base image in the lab's Incus projects. */
  image: string;
  /** Postgres, and the Debian release that has it. */
  postgres: Postgres;
  /** The Kubernetes beside it, where the lab has one. */
  cluster?: Cluster;
}

/** A major version of Postgres, with the Debian release that its containers are made from and that image's alias. */
export interface Postgres {
  major: number;
  release: "trixie" | "bookworm";
  image: string;
}

/** What Debian's own packages have. */
const releases: Postgres[] = [
  { major: 17, release: "trixie", image: "restorable-base" },
  { major: 15, release: "bookworm", image: "restorable-base-bookworm" },
];

export interface WorldOptions {
  name: string;
  subnet: string;
  root: string;
  /** Major version of Postgres; what the lab has already, else 17. */
  postgres?: string | undefined;
  /** Number of Incus hosts, 1 or 2; what the lab has already, else 1. */
  hosts?: string | undefined;
  /** Whether it gets a Kubernetes; one that is there already stays. */
  kubernetes?: boolean | undefined;
  /** First three numbers of the /24 of the Kubernetes; what it has already, else 10.88.0. */
  clusterSubnet?: string | undefined;
}

function postgresOf(wanted: string | undefined, settings: string): Postgres {
  const there = existsSync(settings) ? /^ +major: (\d+)/m.exec(readFileSync(settings, "utf8"))?.[1] : undefined;
  const major = wanted ?? there ?? "17";
  if (wanted && there && wanted !== there) {
    throw new Error(
      `--postgres ${wanted}: this lab has PostgreSQL ${there}; take it down first, or give another --name`,
    );
  }
  const found = releases.find((release) => String(release.major) === major);
  if (!found) throw new Error(`--postgres ${major}: one of ${releases.map((release) => release.major).join(", ")}`);
  return found;
}

/** @throws Error when a name or subnet cannot be used, saying what can. */
export function world(options: WorldOptions): World {
  const { name, subnet, root, postgres, hosts: wantedHosts, kubernetes, clusterSubnet } = options;
  if (!/^[a-z][a-z0-9]{0,7}$/.test(name)) throw new Error(`--name ${name}: 1 to 8 lower-case letters or digits`);
  if (!/^10\.\d{1,3}\.\d{1,3}$/.test(subnet)) throw new Error(`--subnet ${subnet}: three numbers, for example 10.77.0`);
  const directory = join(root, ".lab", name);
  const settings = join(directory, "Pulumi.lab.yaml");
  const hosts = labHosts(name, subnet, hostCount(wantedHosts, settings));
  const cache =
    process.env.RESTORABLE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "restorable");
  return {
    name,
    subnet,
    root,
    directory,
    postgres: postgresOf(postgres, settings),
    cache,
    ...(kubernetes || hasCluster({ name, directory })
      ? { cluster: clusterOf({ name, directory, cache, subnet }, clusterSubnet) }
      : {}),
    incusProject: hosts[0].incusProject,
    bridge: `rst${name}0`,
    pool: `restorable-${name}`,
    stack: "lab",
    hosts,
    host: hosts[0],
    dataNodes: ["pgaf-primary", "pgaf-replica", ...(hosts.length > 1 ? ["pgaf-replica-2"] : [])],
    image: "restorable-base",
  };
}
