import { z } from "zod";
import { flag, hostOrAddress, integer, localPath, oneOf, text } from "./fields.js";
import { bucketName, region } from "./offsite.js";

/** Name of the Secret with the writer's key, as in the source system. */
export const cnpgSecretName = "cnpg-s3-creds-offcluster";
export const defaultDrillNamespace = "restorable-drill";

/** Name of an object of the cluster. */
const objectName = (max = 63) =>
  text(
    new RegExp(`^[a-z0-9](?:[a-z0-9-]{0,${max - 2}}[a-z0-9])?$`),
    `a name of 1 to ${max} lower-case letters, digits and hyphens, with neither first nor last a hyphen`,
  );

const secretKey = () =>
  text(/^[A-Za-z0-9._-]{1,253}$/, "a key of a Secret: letters, digits, dots, hyphens, underscores");

const image = () =>
  text(
    /^[a-z0-9][a-z0-9.:/_-]*(?::[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/,
    "an image with its tag or digest, such as registry.acme.fr/restorable-tools:17",
  );

const field = "(?:\\*|[0-9]+(?:-[0-9]+)?)(?:/[0-9]+)?";
const cronField = `${field}(?:,${field})*`;
const cron = () =>
  text(new RegExp(`^${cronField}(?: ${cronField}){4}$`), "a cron expression of five fields in UTC, such as 15 2 * * *");
const daily = () =>
  text(/^(?:[0-5]?\d) (?:1?\d|2[0-3]) \* \* \*$/, "once a day as a cron expression in UTC, such as 15 2 * * *");
/** CNPG counts seconds too. */
const cnpgCron = () =>
  text(new RegExp(`^${cronField}(?: ${cronField}){5}$`), "a cron expression of six fields, seconds first");

const quantity = () => text(/^[1-9]\d{0,6}(?:Mi|Gi|Ti)$/, "a quantity with Mi, Gi or Ti, such as 512Mi");

const databaseName = () => text(/^[^\n\r]{1,63}$/, "the name of a database");

const database = z.strictObject({
  name: objectName(32).describe("Name of this dump: its folder in the bucket, and part of its CronJob's name."),
  namespace: objectName().describe("Namespace that the database and its password are in."),
  service: z.exactOptional(objectName()).describe("Service of a database in plain pods. Either this or `cluster`."),
  cluster: z.exactOptional(objectName()).describe("CNPG cluster; its Service is the one that ends in -rw."),
  port: integer(1, 65535).default(5432).describe("Port of that Service."),
  database: databaseName().describe("Database."),
  passwordSecret: z
    .strictObject({
      name: z
        .exactOptional(objectName(253))
        .describe("Secret in the database's namespace. Required with `service`; default with `cluster`: CLUSTER-app."),
      userKey: secretKey().default("username").describe("Its key that holds the user."),
      passwordKey: secretKey().default("password").describe("Its key that holds the password."),
    })
    .prefault({}),
  major: z
    .literal([13, 14, 15, 16, 17, 18], "one of 13, 14, 15, 16, 17, 18")
    .default(17)
    .describe("Major version of its Postgres: of the clients that dump and of the server that the drill starts."),
  sslMode: oneOf("disable", "prefer", "require", "verify-ca", "verify-full")
    .default("prefer")
    .describe("How the dump connects; both verify modes need `caSecret`."),
  caSecret: z
    .exactOptional(
      z.strictObject({
        name: objectName(253).describe("Secret with the authority of the server's certificate; CNPG's is CLUSTER-ca."),
        key: secretKey().default("ca.crt").describe("Its key that holds the certificate."),
      }),
    )
    .describe("Authority of the server's certificate."),
  floor: z
    .exactOptional(
      z.strictObject({
        query: text(/^(?=.*\S)[^\n\r]{1,2000}$/, "an SQL query on one line that returns one number").describe(
          "Query that returns one number, such as SELECT count(*) FROM users.",
        ),
        minimum: integer(0, Number.MAX_SAFE_INTEGER).describe(
          "Fewer than this and the database is not dumped, nor does the drill pass.",
        ),
      }),
    )
    .describe("Rows that are due."),
  schedule: z.exactOptional(daily()).describe("When it is dumped. Default: `kubernetes.schedule`, staggered."),
});

const cnpg = z.strictObject({
  cluster: objectName(50).describe("CNPG cluster."),
  namespace: objectName().describe("Its namespace."),
  enabled: flag()
    .default(false)
    .describe("Switches the cluster's WAL archive to the off-site bucket: CNPG allows one archive only."),
  schedule: cnpgCron().default("0 0 3 * * *").describe("When base backups run, with seconds; the first one at once."),
  retentionDays: integer(7, 3650, "days").default(30).describe("Recovery window, days."),
  secretName: objectName(253)
    .default(cnpgSecretName)
    .describe("Secret with the writer's key that is made in its namespace."),
});

/** Backups of databases in a Kubernetes cluster, away from it. */
export const kubernetesSchema = z.strictObject({
  enabled: flag().default(false).describe("Whether the stack works on the cluster at all."),
  kubeconfigFile: z
    .exactOptional(localPath())
    .describe("kubeconfig of the cluster, relative to Pulumi.yaml. Either this or the secret `kubeconfig`."),
  image: image().describe("Image of dump and verification: Postgres clients, rclone, age, curl, jq (images/tools)."),
  runAsUser: integer(1, 4294967294).default(10001).describe("User and group number that the jobs run as."),
  schedule: daily().default("15 2 * * *").describe("When the first database is dumped, UTC."),
  staggerMinutes: integer(0, 240, "minutes").default(10).describe("Each further database is dumped this much later."),
  retentionDays: integer(7, 3650, "days").default(30).describe("Dumps are kept this long, and the newest always."),
  maxAgeHours: integer(2, 8760, "hours").default(30).describe("Age from which the verification calls a backup stale."),
  deadlineSeconds: integer(60, 86400, "seconds").default(21600).describe("A dump or verification ends after this."),
  memory: quantity().default("512Mi").describe("Memory limit of a dump and of the verification."),
  prefix: text(/^[A-Za-z0-9._-]{1,63}$/, "a folder name of letters, digits, dots, hyphens and underscores")
    .default("kubernetes")
    .describe("Folder in the bucket."),
  secretName: objectName(253)
    .default("restorable-offcluster")
    .describe("Secret with the writer's key that is made in each database's namespace."),
  databases: z.array(database, "a list of databases").default([]).describe("Databases to dump."),
  cnpg: z.array(cnpg, "a list of CNPG clusters").default([]).describe("CNPG clusters with an archive in the bucket."),
  recipients: z
    .array(text(/^age1[02-9ac-hj-np-z]{58}$/, "an age recipient: age1 and 58 characters"), "a list of age recipients")
    .default([])
    .describe("Further age recipients that can open the dumps, beside `kubernetesIdentity`."),
  verifySchedule: cron().default("0 6 * * *").describe("When the verification (cnpg_backup_verify) runs, UTC."),
  drill: z
    .strictObject({
      namespace: objectName()
        .default(defaultDrillNamespace)
        .describe("Namespace of drill and verification, made by the stack."),
      schedule: cron().default("0 7 * * 0").describe("When the drill runs, UTC."),
      image: z
        .exactOptional(image())
        .describe("Image with a Postgres server of each database's major beside the tools. Default: `image`."),
      size: quantity().default("8Gi").describe("Room for the largest database and its dump."),
      inMemory: flag().default(false).describe("Keeps that room in memory, part of the limit, instead of on the node."),
      memory: quantity().default("2Gi").describe("Memory limit of the drill."),
      deadlineSeconds: integer(60, 86400, "seconds").default(14400).describe("The drill is ended after this, seconds."),
    })
    .prefault({}),
  pushgatewayUrl: z
    .exactOptional(
      text(/^https?:\/\/[^\s"'\\/]+(?:\/[^\s"'\\]*[^\s"'\\/])?$/, "an http or https URL without a slash at its end"),
    )
    .describe("Pushgateway that the jobs report to. Default: the one beside the Prometheus of `monitoring`."),
  bucket: z
    .exactOptional(
      z.strictObject({
        endpoint: hostOrAddress().describe("S3 endpoint: name or address, without scheme and port. TLS always."),
        port: integer(1, 65535).default(443).describe("Port of the endpoint."),
        bucket: bucketName().describe("Bucket; it must exist."),
        region: region().default("us-east-1").describe("S3 region."),
        uriStyle: oneOf("path", "host").default("path").describe("S3 URI style."),
      }),
    )
    .describe("Bucket of its own, with the keys of the secrets kubernetesWriterKey and kubernetesReaderKey."),
});

type Parsed = z.output<typeof kubernetesSchema>;
type ParsedDatabase = Parsed["databases"][number];

/** One database to dump, every default filled in. */
export type ClusterDatabase = Omit<ParsedDatabase, "service" | "cluster" | "passwordSecret" | "schedule"> & {
  /** Name of Service or CNPG cluster: label `source` of its metrics. */
  source: string;
  /** Service that is connected to. */
  service: string;
  passwordSecret: { name: string; userKey: string; passwordKey: string };
  schedule: string;
};

export type Kubernetes = Omit<Parsed, "databases"> & { databases: ClusterDatabase[] };

/** Fills in what depends on other values. */
export function completeKubernetes(parsed: Parsed): Kubernetes {
  return {
    ...parsed,
    databases: parsed.databases.map(({ service, cluster, passwordSecret, schedule, ...database }, index) => ({
      ...database,
      source: service ?? cluster ?? "",
      service: service ?? `${cluster}-rw`,
      passwordSecret: { ...passwordSecret, name: passwordSecret.name ?? `${cluster}-app` },
      schedule: schedule ?? later(parsed.schedule, index * parsed.staggerMinutes),
    })),
  };
}

/** A daily schedule that many minutes later. */
function later(schedule: string, minutes: number): string {
  const [minute = "0", hour = "0"] = schedule.split(" ");
  const total = (Number(hour) * 60 + Number(minute) + minutes) % 1440;
  return `${total % 60} ${Math.floor(total / 60)} * * *`;
}
