import type { World } from "./world.js";

interface Config {
  "restorable:hosts": Record<string, unknown>[];
  "restorable:formation": {
    monitor: Record<string, unknown>;
    nodes: Record<string, unknown>[];
    numberSyncStandbys?: number;
    healthCheck?: unknown;
  };
  "restorable:backup": { repositories: Record<string, unknown>[] };
  "restorable:offsite": Record<string, unknown>;
}

/**
 * Spreads the lab's formation over two hosts, in place: three data nodes of which two are not on the first primary's
 * host, and the monitor beside those two. The loss of the first host so leaves who decides, who takes over, and a
 * synchronous standby; store and drill stay on the first one.
 *
 * @param config stack settings of the one-host lab, by `restorable:key`
 */
export function spreadOverTwoHosts(config: Record<string, unknown>, { hosts, dataNodes, subnet }: World): void {
  const settings = config as unknown as Config;
  const [first, second] = hosts;
  const [host] = settings["restorable:hosts"];
  if (!second) throw new Error("two hosts are needed");
  settings["restorable:hosts"] = [first, second].map((it) => ({
    ...host,
    name: it.name,
    address: it.address,
    hostKeyFile: String(host?.hostKeyFile).replace(/host_key\.pub$/, `${it.keyFile}.pub`),
    project: it.incusProject,
    failureDomain: it.failureDomain,
  }));
  const formation = settings["restorable:formation"];
  const [node] = formation.nodes;
  formation.monitor.host = second.name;
  formation.nodes = dataNodes.map((name, index) => ({
    ...node,
    name,
    host: index === 0 ? first.name : second.name,
    address: `${subnet}.${12 + index}`,
    memory: "512MiB",
  }));
  formation.numberSyncStandbys = 1;
  // Two sites and seven containers: the patient defaults (docs/failover.md).
  delete formation.healthCheck;
  for (const repository of settings["restorable:backup"].repositories) repository.failureDomain = first.failureDomain;
  settings["restorable:offsite"].failureDomain = first.failureDomain;
}
