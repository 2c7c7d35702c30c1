import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { IncusContainer } from "./IncusContainer.js";
import type { IncusHost } from "./IncusHost.js";

export interface CertificateAuthorityArgs {
  /** Host that keeps the authority's key, in the stack's folder under /var/lib/restorable, for root only. */
  host: IncusHost;
  /** PEM of a key and its certificate, put in place where the host has none; made there when absent. */
  given?: pulumi.Input<string>;
}

/** The stack's own certificate authority. Private keys never leave the container that they were made in. */
export class CertificateAuthority extends pulumi.ComponentResource {
  /** PEM; public. */
  readonly certificate: pulumi.Output<string>;
  readonly #host: IncusHost;
  readonly #authority: remote.Command;

  constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:CertificateAuthority", name, {}, opts);
    this.#host = args.host;
    this.#authority = args.host.step(
      `${name}-authority`,
      { script: "tls-authority", ...(args.given === undefined ? {} : { secrets: { AUTHORITY: args.given } }) },
      { parent: this },
    );
    this.certificate = this.#authority.stdout;
    this.registerOutputs({ certificate: this.certificate });
  }

  /**
   * Makes the container's key and gives the certificate for it, valid for its name and address.
   * @param owner user in the container that may read the key
   */
  issue(container: IncusContainer, owner: string, opts: pulumi.CustomResourceOptions): pulumi.Output<string> {
    const { containerName, address } = container;
    const key = container.step(
      `${containerName}-tls-key`,
      { script: "tls-key", settings: { NAME: containerName, ADDRESS: address, OWNER: owner } },
      opts,
    );
    const certificate = this.#host.step(
      `${containerName}-tls-certificate`,
      {
        script: "tls-certificate",
        target: `${containerName}.tls`,
        settings: { NAME: containerName, ADDRESS: address, REQUEST: key.stdout },
      },
      pulumi.mergeOptions(opts, { dependsOn: [this.#authority] }),
    );
    return certificate.stdout;
  }
}
