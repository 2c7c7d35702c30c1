import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type ImageIdentity, imageAlias, imagePackages } from "../render/image.js";
import type { IncusHost } from "./IncusHost.js";

export interface PgImageArgs extends ImageIdentity {
  host: IncusHost;
}

/** The prepared image on one host: data nodes and drills start from it, so a drill needs no package source. */
export class PgImage extends pulumi.ComponentResource {
  readonly alias: string;
  readonly built: remote.Command;
  readonly #host: IncusHost;
  readonly #name: string;

  constructor(name: string, args: PgImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:PgImage", name, {}, opts);
    const { host } = args;
    this.#host = host;
    this.#name = name;
    this.alias = imageAlias(args);
    this.built = host.step(
      `${name}-build`,
      {
        script: "pg-image",
        files: ["image.sh"],
        undo: { script: "pg-image-remove", settings: { ALIAS: this.alias } },
        settings: {
          ALIAS: this.alias,
          BASE: args.base,
          MAJOR: args.major,
          POOL: host.storagePool,
          NETWORK: host.network,
          PACKAGES: imagePackages(args.major).join(" "),
          PACKAGE_SOURCE: args.packageSource,
          REVISION: args.revision,
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }

  /** Removes this stack's older images from the host, once everything that is to start from the new one has. */
  prune(after: pulumi.Resource[]): remote.Command {
    return this.#host.step(
      `${this.#name}-prune`,
      { script: "pg-image-prune", files: ["image.sh"], settings: { ALIAS: this.alias } },
      { parent: this, dependsOn: [this.built, ...after] },
    );
  }
}
