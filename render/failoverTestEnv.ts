import { postgresHome } from "./layout.js";
import { renderShellEnv } from "./shellEnv.js";

/** Where a container is, as `incus` on the test's host finds it. */
export interface FailoverTestNode {
  readonly name: string;
  /** Name of its host in the settings, and of the Incus remote when that is another daemon. */
  readonly host: string;
  readonly project: string;
  readonly address: string;
}

/** What `test_pg_failover.sh` needs to know, besides the application's password. */
export interface FailoverTestEnv {
  /** Host that the test runs on. */
  readonly host: string;
  readonly major: number;
  readonly database: string;
  readonly role: string;
  readonly monitor: FailoverTestNode;
  readonly nodes: readonly FailoverTestNode[];
}

/** File on the test's host with the application's password, in libpq's form, 0600. */
export const failoverTestPassfile = "/etc/restorable/failover-test.pgpass";

interface Placed {
  readonly name: string;
  readonly host: string;
  readonly address: string;
}

/** The part of the settings that the failover test is about. */
export function failoverTestEnv(settings: {
  readonly hosts: readonly { readonly name: string; readonly project: string }[];
  readonly drill: { readonly host: string };
  readonly postgres: { readonly major: number; readonly database: string; readonly role: string };
  readonly formation: { readonly monitor: Placed; readonly nodes: readonly Placed[] };
}): FailoverTestEnv {
  const projects = new Map(settings.hosts.map(({ name, project }) => [name, project]));
  const placed = ({ name, host, address }: Placed): FailoverTestNode => {
    const project = projects.get(host);
    if (project === undefined) throw new Error(`${name}: no host ${host}`);
    return { name, host, project, address };
  };
  const { major, database, role } = settings.postgres;
  return {
    host: settings.drill.host,
    major,
    database,
    role,
    monitor: placed(settings.formation.monitor),
    nodes: settings.formation.nodes.map(placed),
  };
}

/** `/etc/restorable/failover-test.env`: shell assignments, no secret among them. */
export function renderFailoverTestEnv(env: FailoverTestEnv): string {
  const place = ({ name, host, project, address }: FailoverTestNode) => `${name} ${host} ${project} ${address}`;
  const hosts = env.nodes.map(({ address }) => `${address}:5432`).join(",");
  return renderShellEnv({
    HOST: env.host,
    MONITOR: env.monitor.name,
    MONITOR_PGDATA: `${postgresHome}/${env.major}/pgaf/monitor`,
    NODES: [env.monitor, ...env.nodes].map(place).join("\n"),
    DATABASE: env.database,
    ROLE: env.role,
    // As the application's own, formationUri, with the certificate where the monitor's container has it.
    URI: `postgres://${env.role}@${hosts}/${env.database}?target_session_attrs=read-write&sslmode=verify-full&connect_timeout=2&sslrootcert=/etc/restorable/tls/ca.crt`,
    PASSFILE: failoverTestPassfile,
  });
}
