import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { IncusHost, StepArgs } from "./IncusHost.js";

export interface IncusContainerArgs {
  host: IncusHost;
  /** Alias on the host, or `remote:alias`. Another one replaces the container; its data volume stays. */
  image: string;
  /** Static IPv4 address on the host's network. */
  address: string;
  /** Number of CPUs. */
  cpu: number;
  /** Limit with its unit, for example `2GiB`. */
  memory: string;
  /** A volume of its own, with a size limit, that outlives the container. */
  data?: { size: string; path: string };
  /** Member of a formation: another image replaces it only when the formation is whole, and its files go along. */
  member?: { kind: "data" | "monitor"; major: number; dataDir: string };
  /** Containers that are made or replaced before this one. */
  after?: pulumi.Resource[];
  /** Data volumes stay when the stack is destroyed. Default: true. */
  keepData?: boolean;
}

/** A system container on an Incus host, with a static address and a data volume of its own. */
export class IncusContainer extends pulumi.ComponentResource {
  readonly containerName: string;
  readonly address: string;
  readonly host: IncusHost;
  /** Done when the container runs. */
  readonly made: remote.Command;
  /** Another one whenever the container is made anew: enters the text of each step inside it. */
  readonly incarnation: string;

  constructor(name: string, args: IncusContainerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:IncusContainer", name, {}, opts);
    const { host, data, member } = args;
    this.containerName = name;
    this.address = args.address;
    this.host = host;
    this.incarnation = host.incarnation(name, args.image);
    this.made = host.step(
      `${name}-container`,
      {
        script: "incus-container",
        undo: {
          script: "incus-container-remove",
          settings: {
            NAME: name,
            POOL: host.storagePool,
            DATA_SIZE: data?.size ?? "",
            KEEP_DATA: args.keepData ?? true,
          },
        },
        target: name,
        makes: name,
        ...(member ? { files: ["node/replacement.sh"] } : {}),
        settings: {
          NAME: name,
          IMAGE: args.image,
          POOL: host.storagePool,
          NETWORK: host.network,
          ADDRESS: args.address,
          CPU: args.cpu,
          MEMORY: args.memory,
          DATA_SIZE: data?.size ?? "",
          DATA_PATH: data?.path ?? "",
          ...(member ? { MEMBER: member.kind, MAJOR: member.major, PGDATA: member.dataDir } : {}),
        },
      },
      { parent: this, dependsOn: args.after ?? [] },
    );
    if (data) host.dataVolumes.push({ volume: `${name}-data`, made: this.made });
    this.registerOutputs({});
  }

  /** A converge step inside the container: repeated when the container is another one than it was. */
  step(name: string, args: Omit<StepArgs, "container" | "makes">, opts: pulumi.CustomResourceOptions): remote.Command {
    return this.host.step(
      name,
      { ...args, container: this.containerName, settings: { ...args.settings, INCARNATION: this.incarnation } },
      pulumi.mergeOptions({ dependsOn: [this.made], deletedWith: this.made }, opts),
    );
  }
}
