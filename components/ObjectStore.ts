import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { objectStoreUnit } from "../render/objectStoreUnit.js";
import { joinUnits } from "../render/systemdUnit.js";
import type { CertificateAuthority } from "./CertificateAuthority.js";
import { IncusContainer } from "./IncusContainer.js";
import type { IncusHost } from "./IncusHost.js";

export interface ObjectStoreArgs {
  host: IncusHost;
  image: string;
  address: string;
  port: number;
  dataSize: string;
  keepData: boolean;
  /** Path of the S3 server's binary (versitygw) on the Incus host. */
  binary: string;
  authority: CertificateAuthority;
  bucket: string;
  region: string;
  /** Keeps former versions of objects, so that deleting only hides them. */
  versions?: boolean;
  /** The client's key: it reaches only this bucket. */
  key: pulumi.Input<string>;
  keySecret: pulumi.Input<string>;
  /** A second client that may only read. */
  reader?: { key: pulumi.Input<string>; keySecret: pulumi.Input<string> };
}

/** An S3 server in a container of its own, behind TLS, with one bucket and restricted keys. */
export class ObjectStore extends pulumi.ComponentResource {
  readonly container: IncusContainer;
  readonly ready: remote.Command;

  constructor(name: string, args: ObjectStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:ObjectStore", name, {}, opts);
    const child = { parent: this };
    const { host, address, port, authority, versions = false } = args;
    this.container = new IncusContainer(
      name,
      {
        host,
        image: args.image,
        address,
        cpu: 1,
        memory: "512MiB",
        data: { size: args.dataSize, path: "/var/lib/object-store" },
        keepData: args.keepData,
      },
      child,
    );
    const certificate = authority.issue(this.container, "root", child);
    const binary = host.step(
      `${name}-binary`,
      {
        script: "object-store-binary",
        target: name,
        makes: name,
        settings: { CONTAINER_NAME: name, BINARY: args.binary, INCARNATION: this.container.incarnation },
      },
      { ...child, dependsOn: [this.container.made] },
    );
    this.ready = this.container.step(
      `${name}-server`,
      {
        script: "object-store",
        settings: {
          ADDRESS: address,
          PORT: port,
          BUCKET: args.bucket,
          REGION: args.region,
          CA: authority.certificate,
          CERTIFICATE: certificate,
          VERSIONS: Number(versions),
          UNITS: joinUnits(objectStoreUnit({ address, port, region: args.region, versions })),
        },
        secrets: {
          KEY: args.key,
          KEY_SECRET: args.keySecret,
          ...(args.reader ? { READER_KEY: args.reader.key, READER_KEY_SECRET: args.reader.keySecret } : {}),
        },
      },
      { ...child, dependsOn: [binary] },
    );
    this.registerOutputs({});
  }
}
