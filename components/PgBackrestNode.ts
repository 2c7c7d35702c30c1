import { createHash } from "node:crypto";
import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type BackupFilesArgs, type BackupTimers, backupNodeUnits, nodeConf } from "../render/backupFiles.js";
import { renderPgbackrestSecrets } from "../render/pgbackrestConf.js";
import { mebibytes } from "../render/size.js";
import { joinUnits } from "../render/systemdUnit.js";
import type { PgNode } from "./PgFormation.js";

/** Secrets of one repository. */
export interface RepositorySecrets {
  number: number;
  key: pulumi.Input<string>;
  keySecret: pulumi.Input<string>;
  /** Passphrase of its encryption: without it, what is in the repository cannot be read. */
  cipherPass: pulumi.Input<string>;
}

export interface PgBackrestNodeArgs {
  node: PgNode;
  backup: BackupFilesArgs;
  timers: BackupTimers;
  /** Folder of node_exporter's textfile collector in the container. */
  metricsDirectory: string;
  /** Database of the application: the heartbeat is written there. */
  database: string;
  secrets: RepositorySecrets[];
  archiveTimeoutSeconds: number;
  /** Named overrides for what the converge step refuses to do to existing backups. */
  allow: { retentionCut: boolean; cipherChange: boolean; newSystemIdentifier: boolean; pathChange: boolean };
  /** PEM of the authority that signed the stores' certificates; empty for the system's. */
  storeCa: pulumi.Input<string>;
}

/** pgBackRest on one data node: configuration, archiving, and timers that only act on the primary. */
export class PgBackrestNode extends pulumi.ComponentResource {
  /** Configured, with archiving on. */
  readonly configured: remote.Command;
  readonly #args: PgBackrestNodeArgs;

  constructor(name: string, args: PgBackrestNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:PgBackrestNode", name, {}, opts);
    this.#args = args;
    const { backup } = args;
    const { container, member } = args.node;
    this.configured = container.step(
      `${name}-configuration`,
      {
        script: "pgbackrest-node",
        files: nodeScripts,
        settings: {
          MAJOR: backup.major,
          STANZA: backup.stanza,
          REPOSITORIES: numbers(backup),
          DATABASE: args.database,
          CONF: nodeConf(backup, member.cpu, mebibytes(member.dataSize)),
          STORE_CA: args.storeCa,
          ARCHIVE_TIMEOUT: args.archiveTimeoutSeconds,
          SUSPEND_AFTER: backup.outage.suspendAfterSeconds,
          RESUME_AFTER: backup.outage.resumeAfterSeconds,
          PROBE: backup.outage.probeSeconds,
          FILL: backup.outage.fillSegments,
          METRICS_DIR: args.metricsDirectory,
          UNITS: joinUnits(backupNodeUnits(args.timers, args.metricsDirectory, backup.outage)),
          ALLOW_RETENTION_CUT: Number(args.allow.retentionCut),
          ALLOW_CIPHER_CHANGE: Number(args.allow.cipherChange),
          ALLOW_NEW_SYSTEM_IDENTIFIER: Number(args.allow.newSystemIdentifier),
          ALLOW_PATH_CHANGE: Number(args.allow.pathChange),
        },
        secrets: { SECRETS_CONF: secretsConf(args.secrets) },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }

  /** The stanza, once archiving is on on every node: created from the primary, checked end to end. */
  stanza(after: pulumi.Resource[]): remote.Command {
    const { node, backup, secrets } = this.#args;
    return node.container.step(
      `${node.member.name}-stanza`,
      {
        script: "pgbackrest-stanza",
        files: nodeScripts,
        settings: {
          MAJOR: backup.major,
          STANZA: backup.stanza,
          REPOSITORIES: numbers(backup),
          KEYS: fingerprint(secrets),
        },
      },
      { parent: this, dependsOn: after },
    );
  }
}

/** After a recovery: starts full backups into every repository, once. */
export function firstBackups(name: string, node: PgNode, backup: BackupFilesArgs, opts: pulumi.CustomResourceOptions) {
  return node.container.step(
    name,
    {
      script: "pg-recovered-backup",
      files: nodeScripts,
      settings: { MAJOR: backup.major, REPOSITORIES: numbers(backup) },
    },
    opts,
  );
}

/** Scripts of `scripts/node` that the units run, and what the steps need. */
const nodeScripts = ["pg.sh", "node"];

const numbers = ({ repositories }: BackupFilesArgs) => repositories.map(({ number }) => number).join(" ");

/**
 * Tells one set of access keys from another without saying what they are: with other keys the check runs again, and
 * only after it the old ones are revoked.
 */
const fingerprint = (secrets: RepositorySecrets[]): pulumi.Output<string> =>
  pulumi.unsecret(
    pulumi
      .output(secrets.map(({ key }) => key))
      .apply((keys) => createHash("sha256").update(keys.join("\n")).digest("hex").slice(0, 12)),
  );

/** The secrets file of these repositories; secret. */
export function secretsConf(secrets: RepositorySecrets[]): pulumi.Output<string> {
  return pulumi.secret(pulumi.output(secrets).apply((plain) => renderPgbackrestSecrets(plain)));
}
