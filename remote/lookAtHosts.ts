import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "./connection.js";
import { Convergence } from "./convergence.js";
import { type Facts, readFacts } from "./facts.js";
import type { LastKnown } from "./generation.js";

/** A host to look at: how it is reached, and the command that tells what stands on it. */
export interface LookedAt {
  name: string;
  connection: Connection;
  command: string;
}

/**
 * One read-only look at each host, in previews and updates alike; what it finds is said as warnings.
 * What earlier updates knew comes from the stack's own `convergence` output.
 *
 * @param check false: hosts are not looked at, and every step keeps its last known generation
 */
export async function lookAtHosts(hosts: LookedAt[], check: boolean): Promise<Convergence> {
  const self = new pulumi.StackReference(`${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`);
  const last = (await self.getOutputDetails("convergence")).value as LastKnown;
  const facts = new Map<string, Facts>(
    await Promise.all(
      hosts.map(
        async ({ name, connection, command }): Promise<[string, Facts]> => [
          name,
          check ? await readFacts(connection, command) : { known: false, reason: "checkDrift is off" },
        ],
      ),
    ),
  );
  const convergence = new Convergence(facts, last);
  if (check) for (const line of convergence.describe()) await pulumi.log.warn(line);
  return convergence;
}
