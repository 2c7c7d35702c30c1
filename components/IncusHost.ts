import type * as pulumi from "@pulumi/pulumi";
import type { Standing } from "../remote/replacement.js";
import { RemoteHost, type RemoteHostArgs } from "./RemoteHost.js";

export type { StepArgs } from "./RemoteHost.js";

export interface IncusHostArgs extends RemoteHostArgs {
  /** Incus project that the stack's containers live in. */
  project: string;
  storagePool: string;
  network: string;
}

/** An Incus host: one that the stack's containers are on. */
export class IncusHost extends RemoteHost {
  readonly project: string;
  readonly storagePool: string;
  readonly network: string;
  /** Data volumes of the containers that were registered on this host so far. */
  readonly dataVolumes: { volume: string; made: pulumi.Resource }[] = [];

  constructor(name: string, args: IncusHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super(name, args, opts, { type: "restorable:index:IncusHost", project: args.project });
    this.project = args.project;
    this.storagePool = args.storagePool;
    this.network = args.network;
  }

  /** Names a container as it will be after this update: by its image, and by how often it had to be made anew. */
  incarnation(container: string, image: string): string {
    return `${image}/${this.convergence.generation(this.hostName, container, "incus-container", container)}`;
  }

  /** How a container stood when this host was looked at. */
  standing(container: string): Standing {
    return this.convergence.standing(this.hostName, container);
  }
}
