import type { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type BackupFilesArgs, drillConf } from "../render/backupFiles.js";
import { nodeSettings } from "../render/postgresSettings.js";
import { mebibytes } from "../render/size.js";
import type { CertificateAuthority } from "./CertificateAuthority.js";
import type { IncusContainer } from "./IncusContainer.js";
import { type RepositorySecrets, secretsConf } from "./PgBackrestNode.js";
import type { PgMember } from "./PgFormation.js";

/** Where an empty formation gets its data from. */
export interface RecoverFrom {
  backup: BackupFilesArgs;
  /** Number of the repository, one of `backup`'s. */
  repository: number;
  /** `YYYY-MM-DD hh:mm:ss+00`; the end of what was archived when absent. */
  targetTime?: string;
  /** Does not look whether another site still archives into the repository. */
  allowLivingSource: boolean;
  archiveTimeoutSeconds: number;
  /** Database that the heartbeat is in. */
  database: string;
  /** Keys of the repositories; reading is enough. */
  secrets: RepositorySecrets[];
  /** PEM of the authority that signed the store's certificate; empty for the system's. */
  storeCa: pulumi.Input<string>;
  /** What has to be there before: a store of the stack's own. */
  after: pulumi.Resource[];
}

export interface FormationRecoveryArgs {
  from: RecoverFrom;
  /** The first one gets the data; the others come from it. */
  nodes: { member: PgMember; container: IncusContainer }[];
  monitor: { container: IncusContainer; made: pulumi.Resource };
  monitorPassword: pulumi.Input<string>;
  authority: CertificateAuthority;
}

/** The data of a formation that was lost, brought back onto the first node of the new one before it is registered. */
export class FormationRecovery extends pulumi.ComponentResource {
  readonly done: remote.Command;

  constructor(name: string, args: FormationRecoveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:FormationRecovery", name, {}, opts);
    const { from, nodes, monitor } = args;
    const { backup } = from;
    const [first, ...others] = nodes;
    const repository = backup.repositories.find(({ number }) => number === from.repository);
    const secrets = from.secrets.find(({ number }) => number === from.repository);
    if (!first || !repository || !secrets) throw new Error(`no repository ${from.repository} to recover from`);
    const child = { parent: this };
    // What others hold has to be known anew whenever the first node or the monitor is another one.
    const seenBy = `${first.container.incarnation} ${monitor.container.incarnation}`;
    const looks = others.map(({ member, container }) => ({
      name: member.name,
      look: container.step(
        `${member.name}-recover-look`,
        {
          script: "pg-recover-look",
          files: ["pg.sh", "recover.sh"],
          settings: { MAJOR: backup.major, SEEN_BY: seenBy },
        },
        { ...child, dependsOn: [monitor.made] },
      ),
    }));
    this.done = first.container.step(
      `${first.member.name}-recover`,
      {
        script: "pg-recover",
        files: ["pg.sh", "recover.sh", "drill/verdict.sh"],
        settings: {
          MAJOR: backup.major,
          STANZA: backup.stanza,
          REPOSITORY: from.repository,
          TARGET_TIME: from.targetTime ?? "",
          CONF: drillConf(backup, first.member.cpu, repository),
          STORE_CA: from.storeCa,
          DATABASE: from.database,
          SETTINGS: nodeSettings({ memoryMiB: mebibytes(first.member.memory) }),
          ARCHIVE_TIMEOUT: from.archiveTimeoutSeconds,
          ALLOW_LIVING_SOURCE: Number(from.allowLivingSource),
          ADDRESS: first.member.address,
          MONITOR: monitor.container.address,
          CA: args.authority.certificate,
          NODE_ADDRESSES: nodes.map(({ member }) => member.address).join(" "),
          PEERS: pulumi
            .all(looks.map(({ name: peer, look }) => pulumi.interpolate`${peer}=${look.stdout}`))
            .apply((peers) => peers.map((peer) => peer.trim()).join(" ")),
          SEEN_BY: seenBy,
        },
        secrets: { SECRETS_CONF: secretsConf([secrets]), MONITOR_PASSWORD: args.monitorPassword },
      },
      { ...child, dependsOn: [monitor.made, ...looks.map(({ look }) => look), ...from.after] },
    );
    this.registerOutputs({});
  }
}
