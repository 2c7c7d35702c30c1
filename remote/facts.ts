import type { Connection } from "./connection.js";
import { runOverSsh } from "./ssh.js";

/** What stands on an Incus host, as `scripts/host/facts` tells it. */
export interface HostFacts {
  instances: ReadonlyMap<string, InstanceFact>;
  /** By `target/step`. */
  steps: ReadonlyMap<string, StepFact>;
}

export interface InstanceFact {
  uuid: string;
  status: string;
  /** Image that the stack made it from. */
  image?: string;
  /** Of a data node that runs: `primary` or `standby`. */
  role?: string;
}

export interface StepFact {
  generation: number;
  /** `ok`, `gone` (its container is another one now) or `altered:PATH`. */
  verdict: string;
}

export type Facts = { known: true; facts: HostFacts } | { known: false; reason: string };

/** Parses the tab-separated output of `facts`; lines of another form are ignored. */
export function parseFacts(text: string): HostFacts {
  const instances = new Map<string, InstanceFact>();
  const steps = new Map<string, StepFact>();
  for (const line of text.split("\n")) {
    const [kind, a = "", b = "", c = "", d = "", e = ""] = line.split("\t");
    if (kind === "instance")
      instances.set(a, { uuid: b, status: c, ...(d ? { image: d } : {}), ...(e ? { role: e } : {}) });
    if (kind === "step") steps.set(`${a}/${b}`, { generation: Number.parseInt(c, 10) || 0, verdict: d });
  }
  return { instances, steps };
}

const nothing: HostFacts = { instances: new Map(), steps: new Map() };

/**
 * One read-only look at a host. A host without our scripts has no facts yet, which is known; a host that
 * cannot be reached is unknown, with the reason.
 */
export async function readFacts(
  connection: Connection,
  command: string,
  run: typeof runOverSsh = runOverSsh,
): Promise<Facts> {
  try {
    const { code, stdout, stderr } = await run(connection, command);
    if (code === 0) return { known: true, facts: parseFacts(stdout) };
    if (code === 127 || code === 126) return { known: true, facts: nothing };
    if (code === 124) return { known: false, reason: "the look at it did not end in time; a container or Incus hangs" };
    return { known: false, reason: stderr.trim().split("\n").at(-1) || `exit ${code}` };
  } catch (error) {
    return { known: false, reason: (error as Error).message };
  }
}
