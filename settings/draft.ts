import { defaultNodeName } from "./complete.js";

type Raw = Record<string, unknown>;

/** What the checks across settings look at, taken from a configuration that may be wrong in other places. */
export interface Draft {
  hosts: Place[];
  /** Hosts of dumps that are no Incus hosts. */
  dumpHosts: Place[];
  /** Monitor, data nodes, object stores and monitoring. */
  members: Place[];
  dataNodes: number;
  repositories: Raw[];
  objectStore: Raw | undefined;
  offsiteStore: Raw | undefined;
}

export interface Place {
  path: PropertyKey[];
  name: string | undefined;
  address: string | undefined;
  host: string | undefined;
  value: Raw;
}

/** The value as an object, empty when it is none. */
export function object(value: unknown): Raw {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Raw) : {};
}

const list = (value: unknown): Raw[] => (Array.isArray(value) ? value.map(object) : []);
const string = (value: unknown) => (typeof value === "string" ? value : undefined);

function place(path: PropertyKey[], value: Raw, name?: string): Place {
  return {
    path,
    value,
    name: value.name === undefined ? name : string(value.name),
    address: string(value.address),
    host: string(value.host),
  };
}

export function draft(raw: Raw): Draft {
  const formation = object(raw.formation);
  const nodes = list(formation.nodes);
  const store = raw.objectStore === undefined ? undefined : object(raw.objectStore);
  const offsiteStore = raw.offsiteStore === undefined ? undefined : object(raw.offsiteStore);
  return {
    hosts: list(raw.hosts).map((host, index) => place(["hosts", index], host)),
    dumpHosts: list(object(raw.dumps).hosts).map((host, index) => place(["dumps", "hosts", index], host)),
    members: [
      place(["formation", "monitor"], object(formation.monitor), "pgaf-monitor"),
      ...nodes.map((node, index) => place(["formation", "nodes", index], node, defaultNodeName(index))),
      ...(store ? [place(["objectStore"], store, "object-store")] : []),
      ...(offsiteStore ? [place(["offsiteStore"], offsiteStore, "offsite-store")] : []),
      ...(raw.monitoring === undefined ? [] : [place(["monitoring"], object(raw.monitoring), "monitoring")]),
    ],
    dataNodes: nodes.length,
    repositories: list(object(raw.backup).repositories),
    objectStore: store,
    offsiteStore,
  };
}
