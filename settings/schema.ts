import { z } from "zod";
import { alertingSchema } from "./alerting.js";
import { alertsSchema } from "./alertsSchema.js";
import { coverageSchema } from "./coverage.js";
import { drillDepth } from "./drillDepth.js";
import { dumpsSchema } from "./dumps.js";
import { exportsSchema } from "./exports.js";
import {
  absolutePath,
  calendar,
  flag,
  hostOrAddress,
  identifier,
  instanceName,
  integer,
  ipv4Address,
  ipv4Network,
  label,
  localPath,
  oneOf,
  plainName,
  size,
  text,
} from "./fields.js";
import { kubernetesSchema } from "./kubernetes.js";
import { monitoringSchema, prometheusSchema } from "./monitoring.js";
import { bucketName, offsiteSchema, region } from "./offsite.js";
import { outageSchema } from "./outage.js";
import { reached } from "./reached.js";
import { recoverFromSchema } from "./recoverFrom.js";

const host = z.strictObject({
  name: instanceName().describe("Name of the host in this stack: other settings refer to it, and messages name it."),
  ...reached,
  project: plainName().default("default").describe("Incus project that the containers are made in."),
  storagePool: plainName().default("default").describe("Incus storage pool of containers and data volumes."),
  network: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, "the name of an Incus network, up to 15 characters")
    .default("incusbr0")
    .describe("Incus network that holds the static addresses."),
  failureDomain: label().describe("What fails together with this host: site, room, rack. Equal labels cause warnings."),
});

const monitor = z.strictObject({
  name: instanceName().default("pgaf-monitor").describe("Container of the monitor."),
  host: instanceName().describe("Host it runs on, by its name in `hosts`."),
  address: ipv4Address().describe("Its static address."),
  cpu: integer(1, 256, "cores").default(1).describe("CPU limit, in cores."),
  memory: size().default("1GiB").describe("Memory limit."),
  dataSize: size().default("2GiB").describe("Size of its data volume."),
});

const node = z.strictObject({
  name: z
    .exactOptional(instanceName())
    .describe("Container of the data node. Default: pgaf-primary for the first, then pgaf-replica, pgaf-replica-2."),
  host: instanceName().describe("Host it runs on, by its name in `hosts`."),
  address: ipv4Address().describe("Its static address."),
  cpu: integer(1, 256, "cores").default(2).describe("CPU limit, in cores; also sets pgBackRest's process-max."),
  memory: size().default("2GiB").describe("Memory limit; shared_buffers is a quarter of it."),
  dataSize: size().default("10GiB").describe("Size of its data volume, WAL included."),
});

const healthCheck = z.strictObject({
  periodMs: integer(100, 60000, "ms").default(1000).describe("Time between two checks of a node, ms."),
  timeoutMs: integer(100, 60000, "ms").default(1000).describe("Time a check may take, ms."),
  retryDelayMs: integer(50, 60000, "ms").default(500).describe("Wait before a failed check is repeated, ms."),
  maxRetries: integer(0, 20).default(1).describe("Repetitions before a check counts as failed."),
  unhealthyTimeoutMs: integer(500, 600000, "ms")
    .default(4000)
    .describe("Silence after which a failing node is taken for dead, ms."),
  primaryDemoteTimeoutMs: integer(500, 600000, "ms")
    .default(5000)
    .describe("Time an unreachable primary has to stop itself before the standby is promoted, ms."),
});

const formation = z.strictObject({
  monitor,
  nodes: z
    .array(node, "a list of data nodes")
    .min(2, "at least two data nodes: a primary and a standby")
    .max(16, "at most 16 data nodes"),
  numberSyncStandbys: z
    .exactOptional(integer(0, 14))
    .describe("Standbys that must acknowledge a commit. Default: 1 from three data nodes on, 0 with two."),
  healthCheck: healthCheck.prefault({}),
});

const repository = z.strictObject({
  number: z.literal(1, "1: repository 2 is the one that offsite describes").describe("pgBackRest's repository number."),
  endpoint: hostOrAddress().describe("S3 endpoint: name or address, without scheme and port. TLS always."),
  port: integer(1, 65535).default(443).describe("Port of the endpoint."),
  bucket: bucketName().describe("Bucket; it must exist, unless the stack makes the store."),
  path: absolutePath().default("/pgbackrest").describe("Path of the repository in the bucket."),
  region: region().default("us-east-1").describe("S3 region."),
  uriStyle: oneOf("path", "host").default("path").describe("S3 URI style; MinIO and its like want `path`."),
  retentionFull: integer(1, 9999).default(4).describe("Full backups that are kept."),
  retentionDiff: integer(1, 9999).default(7).describe("Differential backups that are kept."),
  retentionArchive: z
    .exactOptional(integer(1, 9999))
    .describe("Full backups whose WAL is kept for point-in-time recovery. Default: 4, or `retentionFull` when less."),
  failureDomain: label().describe("What fails together with this store. The same as a data node's causes a warning."),
});

const backup = z.strictObject({
  stanza: plainName().default("main").describe("pgBackRest stanza."),
  compressLevel: integer(1, 19).default(3).describe("zstd level."),
  blockIncremental: flag()
    .default(true)
    .describe("Block incremental backups; off for pgBackRest before 2.46, such as Debian 12's."),
  timers: z
    .strictObject({
      full: calendar().default("Sun *-*-* 02:00:00 UTC").describe("When full backups run."),
      diff: calendar().default("Mon..Sat *-*-* 02:00:00 UTC").describe("When differential backups run."),
      drill: calendar().default("Sun *-*-* 04:00:00 UTC").describe("When the restore drill runs."),
      randomizedDelaySeconds: integer(0, 3600, "seconds")
        .default(300)
        .describe("Each timer starts up to this much later, seconds."),
    })
    .prefault({}),
  archiveTimeoutSeconds: integer(10, 3600, "seconds")
    .default(60)
    .describe("Postgres' archive_timeout, seconds: with the push, the recovery point objective."),
  repositories: z
    .array(repository, "a list of repositories")
    .length(1, "exactly one repository (repository 2 is offsite)"),
  outage: outageSchema,
  allow: z
    .strictObject({
      retentionCut: flag().default(false).describe("Lets a lower retention expire existing backups."),
      cipherChange: flag().default(false).describe("Lets another cipher passphrase lock existing backups."),
      pathChange: flag()
        .default(false)
        .describe("Lets another repository path or stanza leave existing backups behind."),
      newSystemIdentifier: flag().default(false).describe("Lets a new cluster take over an existing stanza."),
      sameFailureDomain: flag()
        .default(false)
        .describe("Lets both repositories have one endpoint or failure domain, so that they may be lost together."),
      shortOffsiteRetention: flag().default(false).describe("Lets `offsite.retentionDays` be below 7."),
    })
    .prefault({}),
});

const store = (name: string, what: string) =>
  z.strictObject({
    name: instanceName().default(name).describe(`Container of ${what}.`),
    host: instanceName().describe("Host it runs on, by its name in `hosts`."),
    address: ipv4Address().describe("Its static address."),
    port: integer(1, 65535).default(9000).describe("Port of its S3 service."),
    dataSize: size().default("10GiB").describe("Size of its data volume."),
    binary: absolutePath()
      .default("/opt/restorable/versitygw")
      .describe("File of the store's program (versitygw) on its host."),
  });

const drill = z.strictObject({
  host: instanceName().describe("Host the drill runs on, by its name in `hosts`."),
  database: z.exactOptional(identifier()).describe("Database of the smoke query. Default: `postgres.database`."),
  query: text(/^(?=.*\S)[^\n\r]{1,2000}$/, "an SQL query on one line that returns one number")
    .default("SELECT count(*) FROM users")
    .describe("Smoke query on the restored copy; returns one number."),
  minUsersExpected: integer(0, Number.MAX_SAFE_INTEGER).default(1).describe("Fewer rows than this fail the drill."),
  timeLimitSeconds: integer(60, 604800, "seconds")
    .default(3600)
    .describe("The drill is ended after this time, seconds."),
  rtoBoundSeconds: integer(1, 604800, "seconds")
    .default(1800)
    .describe("Restore time that is promised, seconds; at most `timeLimitSeconds`."),
  keepExpiryHours: integer(1, 8760, "hours").default(48).describe("A copy kept by --keep expires after this, hours."),
  cpu: integer(1, 256, "cores").default(2).describe("CPU limit of the copy, in cores."),
  memory: size().default("2GiB").describe("Memory limit of the copy."),
  ...drillDepth,
});

/** The stack's configuration, without its secrets: every key under `restorable:`. */
export const schema = z.strictObject({
  environment: oneOf("lab", "prod").describe("What the stack is for; prod refuses generated and unencrypted secrets."),
  hosts: z
    .array(host, "a list of Incus hosts")
    .min(1, "at least one Incus host")
    .describe("Incus hosts that containers are placed on."),
  sshPrivateKeyFile: z
    .exactOptional(localPath())
    .describe("File with the private SSH key, relative to Pulumi.yaml. Either this or `sshPrivateKey`."),
  image: text(/^[A-Za-z0-9][\w.+-]*(?::[A-Za-z0-9][\w.+/-]*)?$/, "an Incus image: an alias, or remote:alias")
    .default("images:debian/13")
    .describe("Base image of all containers: Debian with systemd."),
  packages: z
    .strictObject({
      source: z
        .exactOptional(text(/^deb [^\n\r]+$/, "one apt source line that begins with deb"))
        .describe("Further apt source of newer packages, such as PGDG's."),
      revision: text(/^[\w.:+-]{0,64}$/, "up to 64 letters, digits and ._:+-")
        .default("")
        .describe("Another text, a date for example, builds a new image and replaces the containers one by one."),
    })
    .prefault({})
    .describe("Where Debian packages come from."),
  postgres: z
    .strictObject({
      major: z.literal([15, 16, 17, 18], "one of 15, 16, 17, 18").default(17).describe("Major version of Postgres."),
      database: identifier().default("app").describe("Application's database."),
      role: identifier().default("app").describe("Application's role, owner of the database."),
      clientNetworks: z
        .array(ipv4Network(), "a list of networks")
        .default(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
        .describe("Networks that the application connects from, always over TLS and with its password."),
    })
    .prefault({})
    .describe("Postgres and what the application gets of it."),
  formation: formation.describe("Monitor and data nodes of pg_auto_failover."),
  backup: backup.describe("pgBackRest: what, when and where to."),
  objectStore: z
    .exactOptional(store("object-store", "the lab's S3 store"))
    .describe("S3 store that the stack makes itself (lab); absent in prod."),
  offsite: z.exactOptional(offsiteSchema).describe("Repository 2, away from the site. Required in prod."),
  offsiteStore: z
    .exactOptional(store("offsite-store", "the lab's stand-in for an off-site store"))
    .describe("Second S3 store that the stack makes itself, with versions (lab); absent in prod."),
  allowNoOffsite: flag().default(false).describe("Lets a prod stack do without an off-site repository."),
  exports: z
    .exactOptional(exportsSchema)
    .describe("Logical exports of databases into the off-site bucket, encrypted; absent, there are none."),
  dumps: z
    .exactOptional(dumpsSchema)
    .describe("Daily dumps on hosts beside the formation: Postgres and Gitea in Docker, volumes of K3s."),
  recoverFrom: z
    .exactOptional(recoverFromSchema)
    .describe("Repository that an empty formation gets its data from, after the loss of a site."),
  drill: drill.describe("Restore drill."),
  kubernetes: z
    .exactOptional(kubernetesSchema)
    .describe("Databases in a Kubernetes cluster, and where their backups go."),
  metrics: z
    .strictObject({
      prefix: text(/^[a-z_][a-z0-9_]*$/, "a metric prefix of lower-case letters, digits and underscores")
        .default("veza")
        .describe("First part of the names of all metrics and alert groups."),
      directory: absolutePath()
        .default("/var/lib/node_exporter/textfile_collector")
        .describe("Folder of node_exporter's textfile collector on the hosts."),
    })
    .prefault({})
    .describe("Metrics on the hosts."),
  alerts: alertsSchema.prefault({}).describe("Prometheus rules."),
  monitoring: z
    .exactOptional(monitoringSchema)
    .describe(
      "Prometheus and Alertmanager in a container of the stack's own. Either this or `prometheus`, or neither.",
    ),
  prometheus: z
    .exactOptional(prometheusSchema)
    .describe("Prometheus that exists, on one of the hosts: gets rules and scrape jobs."),
  coverage: coverageSchema
    .prefault({})
    .describe("Coverage ledger: what lives against its backups and drills. Only with a Prometheus to ask."),
  alerting: alertingSchema.prefault({}).describe("Who hears of alerts, and how often."),
  generateSecrets: flag().default(false).describe("Makes all secrets as protected resources. Refused in prod."),
  protectData: flag()
    .default(true)
    .describe("Protects data volumes and buckets from deletion and keeps them on destroy."),
  checkDrift: flag().default(true).describe("Looks at the hosts before each preview and update."),
});

/** Configuration as it may be written. */
export type RawSettings = z.input<typeof schema>;
export type ParsedSettings = z.output<typeof schema>;
