import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

/** A container that plays an Incus host, with an Incus project of its own for the containers that it drives. */
export interface LabHost {
  name: string;
  address: string;
  incusProject: string;
  failureDomain: string;
  /** Its SSH host key in the lab's `ssh` folder; the public one ends in `.pub`. */
  keyFile: string;
}

/** What a lab can have at most: every project of a lab has to be known to take it down. */
const most = 2;

/**
 * Hosts of a lab called so. The first one drives the lab's main project, and has store and drill.
 *
 * @param count 1 or 2
 */
export function labHosts(name: string, subnet: string, count: number): [LabHost, ...LabHost[]] {
  const first = {
    name: "lab-host",
    address: `${subnet}.10`,
    incusProject: `restorable-${name}`,
    failureDomain: count === 1 ? "lab" : "lab-a",
    keyFile: "host_key",
  };
  if (count === 1) return [first];
  const second = {
    name: "lab-host-2",
    address: `${subnet}.9`,
    incusProject: `restorable-${name}-2`,
    failureDomain: "lab-b",
    keyFile: "host_key-2",
  };
  return [first, second];
}

/** Every Incus project that a lab called so can have, whatever number of hosts it was made with. */
export const possibleProjects = (name: string): string[] =>
  labHosts(name, "", most).map(({ incusProject }) => incusProject);

/**
 * How many hosts a lab has: what its settings say when it is there, else what is wanted, else one.
 *
 * @param settings path of the lab's own stack settings
 * @throws Error when another number is wanted than the lab has, or one that there is not
 */
export function hostCount(wanted: string | undefined, settings: string): number {
  const there = existsSync(settings)
    ? ((parse(readFileSync(settings, "utf8")) as Settings | null)?.config?.["restorable:hosts"]?.length ?? 1)
    : undefined;
  const count = wanted ?? String(there ?? 1);
  if (there !== undefined && count !== String(there))
    throw new Error(
      `--hosts ${count}: this lab has ${there === 1 ? "one host" : `${there} hosts`}; take it down first, or give another --name`,
    );
  if (!["1", String(most)].includes(count)) throw new Error(`--hosts ${count}: 1 or ${most}`);
  return Number(count);
}

interface Settings {
  config?: { "restorable:hosts"?: unknown[] };
}
