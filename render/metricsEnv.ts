import { renderShellEnv } from "./shellEnv.js";

/** What every machine of the stack tells about itself. */
interface Machine {
  /** Folder of node_exporter's textfile collector. */
  readonly directory: string;
  /** Names of the timers that have to be active there, with `.timer`. */
  readonly timers: readonly string[];
  /** Paths of certificates. */
  readonly certificates: readonly string[];
}

/** `/etc/restorable/metrics.env` of a data node. */
export function dataNodeMetricsEnv(
  args: Machine & { readonly stanza: string; readonly repositories: readonly number[] },
): string {
  return renderShellEnv({ ...machine(args), STANZA: args.stanza, REPOSITORIES: args.repositories.join(" ") });
}

/** `/etc/restorable/metrics.env` of the monitor. */
export function monitorMetricsEnv(args: Machine & { readonly nodesExpected: number }): string {
  return renderShellEnv({ ...machine(args), NODES_EXPECTED: args.nodesExpected });
}

export interface HostMetricsEnvArgs extends Machine {
  /** Name of the host in the settings. */
  readonly host: string;
  readonly incusProject: string;
  readonly storagePool: string;
  /** Names of the stack's data volumes on this host. */
  readonly volumes: readonly string[];
}

/** `/etc/restorable/host-metrics.env` of an Incus host. */
export function hostMetricsEnv(args: HostMetricsEnvArgs): string {
  return renderShellEnv({
    ...machine(args),
    HOST: args.host,
    INCUS_PROJECT: args.incusProject,
    STORAGE_POOL: args.storagePool,
    VOLUMES: args.volumes.join(" "),
  });
}

function machine({ directory, timers, certificates }: Machine): Record<string, string> {
  return { METRICS_DIRECTORY: directory, TIMERS: timers.join(" "), CERTIFICATES: certificates.join(" ") };
}

/** Names of those units that are timers. */
export function timersOf(names: readonly string[]): string[] {
  return names.filter((name) => name.endsWith(".timer"));
}
