import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { replacementOrder } from "../remote/replacement.js";
import { postgresNodeUnits } from "../render/backupFiles.js";
import { dataDirectory, postgresHome } from "../render/layout.js";
import { pgAutoctlUnit } from "../render/pgAutoctlUnit.js";
import { type HealthCheck, monitorSettings, nodeSettings } from "../render/postgresSettings.js";
import { mebibytes } from "../render/size.js";
import { joinUnits } from "../render/systemdUnit.js";
import type { CertificateAuthority } from "./CertificateAuthority.js";
import { FormationRecovery, type RecoverFrom } from "./FormationRecovery.js";
import { IncusContainer } from "./IncusContainer.js";
import type { IncusHost, StepArgs } from "./IncusHost.js";

export interface PgMember {
  name: string;
  host: IncusHost;
  address: string;
  cpu: number;
  /** With its unit, for example `2GiB`. */
  memory: string;
  dataSize: string;
}

export interface PgFormationArgs {
  major: number;
  /** Alias of the prepared image on each member's host. */
  image: string;
  monitor: PgMember;
  /** The first one registers first and becomes the primary. */
  nodes: [PgMember, ...PgMember[]];
  /** Standbys that must acknowledge a commit: 0 with two nodes (the monitor then decides), 1 with three. */
  numberSyncStandbys: number;
  healthCheck: HealthCheck;
  authority: CertificateAuthority;
  database: string;
  role: string;
  /** CIDR networks that the application may connect from, over TLS with its password. */
  clientNetworks: string[];
  keepData: boolean;
  /** The formation begins with the data of a repository; an empty one begins empty. */
  recoverFrom?: RecoverFrom;
  monitorPassword: pulumi.Input<string>;
  replicationPassword: pulumi.Input<string>;
  appPassword: pulumi.Input<string>;
}

export interface PgNode {
  container: IncusContainer;
  member: PgMember;
}

/** A pg_auto_failover formation: a monitor, a primary and its synchronous standbys. */
export class PgFormation extends pulumi.ComponentResource {
  readonly monitor: IncusContainer;
  readonly nodes: PgNode[];
  /** Multi-host URI of the application, password included: secret. */
  readonly uri: pulumi.Output<string>;
  /** Done when the application can log in through every node. */
  readonly ready: pulumi.Resource[];

  constructor(name: string, args: PgFormationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:PgFormation", name, {}, opts);
    const child = { parent: this };
    const { major, authority, nodes } = args;
    const addresses = nodes.map((node) => node.address);
    const monitorDirectory = `${postgresHome}/${major}/pgaf/monitor`;
    const container = (member: PgMember, kind: "data" | "monitor", after: pulumi.Resource[]) =>
      new IncusContainer(
        member.name,
        {
          host: member.host,
          image: args.image,
          address: member.address,
          cpu: member.cpu,
          memory: member.memory,
          data: { size: member.dataSize, path: postgresHome },
          keepData: args.keepData,
          member: { kind, major, dataDir: kind === "data" ? dataDirectory(major) : monitorDirectory },
          after,
        },
        child,
      );

    this.monitor = container(args.monitor, "monitor", []);
    const monitor = this.monitor.step(
      `${args.monitor.name}-monitor`,
      {
        script: "pg-monitor",
        files: ["pg.sh"],
        settings: {
          MAJOR: major,
          ADDRESS: args.monitor.address,
          NODE_ADDRESSES: addresses.join(" "),
          CA: authority.certificate,
          CERTIFICATE: authority.issue(this.monitor, "postgres", child),
          SETTINGS: monitorSettings(args.healthCheck),
          UNITS: joinUnits(pgAutoctlUnit({ major, dataDir: monitorDirectory })),
        },
        secrets: { MONITOR_PASSWORD: args.monitorPassword },
      },
      child,
    );

    const standing = ({ name, host }: PgMember) => ({ name, image: args.image, standing: host.standing(name) });
    const order = replacementOrder(standing(args.monitor), nodes.map(standing));
    // Where one is replaced, all go one after the other: first the monitor, which takes no writes, last the primary.
    // Steps inside the nodes come after: none of them meets a node that is on its way.
    const containers = new Map<string, IncusContainer>();
    let replaced = [monitor];
    for (const name of order ?? nodes.map((node) => node.name)) {
      const node = container(nodes.find((it) => it.name === name) as PgMember, "data", order ? replaced : []);
      replaced = [node.made];
      containers.set(name, node);
    }

    const recovery = (from: RecoverFrom) =>
      new FormationRecovery(
        `${name}-recovery`,
        {
          from,
          nodes: nodes.map((member) => ({ member, container: containers.get(member.name) as IncusContainer })),
          monitor: { container: this.monitor, made: monitor },
          monitorPassword: args.monitorPassword,
          authority,
        },
        child,
      ).done;

    const nodeStep = (member: PgMember, certificate: pulumi.Output<string>, waits: boolean): StepArgs => ({
      script: "pg-node",
      files: ["pg.sh", "attach.sh"],
      settings: {
        MAJOR: major,
        NAME: member.name,
        ADDRESS: member.address,
        MONITOR: args.monitor.address,
        // A monitor that is made anew knows no node: each has to look whether it is still registered.
        MONITOR_INCARNATION: this.monitor.incarnation,
        NODE_ADDRESSES: addresses.join(" "),
        CLIENT_NETWORKS: args.clientNetworks.join(" "),
        DATABASE: args.database,
        ROLE: args.role,
        CA: authority.certificate,
        CERTIFICATE: certificate,
        SETTINGS: nodeSettings({ memoryMiB: mebibytes(member.memory) }),
        UNITS: joinUnits(postgresNodeUnits(major)),
        WAITS: Number(waits),
      },
      secrets: { MONITOR_PASSWORD: args.monitorPassword, REPLICATION_PASSWORD: args.replicationPassword },
    });

    // One after the other: the first to register is the primary, the next ones copy from it.
    let previous: remote.Command = args.recoverFrom ? recovery(args.recoverFrom) : monitor;
    const registered = nodes.map((member) => {
      const node = containers.get(member.name) as IncusContainer;
      const certificate = authority.issue(node, "postgres", child);
      const opts = { ...child, dependsOn: order ? [previous, ...replaced] : [previous] };
      previous = node.step(`${member.name}-node`, nodeStep(member, certificate, false), opts);
      return { container: node, member, certificate };
    });
    this.nodes = registered.map(({ container, member }) => ({ container, member }));

    // Once more, each for itself: whichever node is the primary, those before it in the settings had to pass it by.
    const attached = registered.map(({ container, member, certificate }) =>
      container.step(
        `${member.name}-attached`,
        { ...nodeStep(member, certificate, true), target: `${member.name}.attached` },
        { ...child, dependsOn: [previous] },
      ),
    );

    const policy = this.monitor.step(
      `${name}-policy`,
      {
        script: "pg-formation",
        files: ["pg.sh"],
        settings: {
          MAJOR: major,
          NUMBER_SYNC_STANDBYS: args.numberSyncStandbys,
          NODE_NAMES: nodes.map((node) => node.name).join(" "),
        },
      },
      { ...child, dependsOn: attached },
    );
    const query = `target_session_attrs=read-write&sslmode=verify-full&connect_timeout=2`;
    const hosts = addresses.map((address) => `${address}:5432`).join(",");
    this.ready = this.nodes.map(({ container, member }) =>
      container.step(
        `${member.name}-application`,
        {
          script: "pg-application",
          files: ["pg.sh"],
          settings: {
            MAJOR: major,
            DATABASE: args.database,
            ROLE: args.role,
            URI: `postgres://${args.role}@${hosts}/${args.database}?${query}&sslrootcert=/etc/restorable/tls/ca.crt`,
          },
          secrets: { APP_PASSWORD: args.appPassword },
        },
        { ...child, dependsOn: [policy] },
      ),
    );
    this.uri = pulumi.secret(
      pulumi
        .output(args.appPassword)
        .apply(
          (password) => `postgres://${args.role}:${encodeURIComponent(password)}@${hosts}/${args.database}?${query}`,
        ),
    );
    this.registerOutputs({ uri: this.uri });
  }
}
