import { z } from "zod";
import { absolutePath, calendar, hostOrAddress, integer, label, oneOf, text } from "./fields.js";

export const bucketName = () => text(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket name of 3 to 63 characters");
export const region = () => text(/^[a-z0-9-]{1,63}$/, "a region such as us-east-1");

/** Repository 2: a bucket away from the site. */
export const offsiteSchema = z.strictObject({
  kind: oneOf("b2", "s3", "r2", "existing").describe(
    "Who has the bucket: Backblaze B2, AWS S3, Cloudflare R2, or any S3 store with a bucket and keys that exist.",
  ),
  bucket: bucketName().describe("Bucket; only with `existing` it must exist."),
  path: z
    .exactOptional(absolutePath())
    .describe(
      "Path of the repository in the bucket; exports stand beside it. Default: /restorable/pgbackrest with b2, whose keys are limited to one prefix, else /pgbackrest.",
    ),
  region: z
    .exactOptional(region())
    .describe(
      "S3 region. Required with b2 (such as us-west-004) and s3; default auto with r2, us-east-1 with existing.",
    ),
  endpoint: z
    .exactOptional(hostOrAddress())
    .describe("S3 endpoint without scheme and port. Required with existing; else derived from kind and region."),
  port: integer(1, 65535).default(443).describe("Port of the endpoint. TLS always."),
  uriStyle: z.exactOptional(oneOf("path", "host")).describe("S3 URI style. Default: host with s3, else path."),
  retentionDays: integer(1, 3650, "days")
    .default(30)
    .describe("Backups are kept this long, with all WAL that they need, days; below 7 it is refused."),
  hiddenDays: integer(1, 3650, "days")
    .default(30)
    .describe("Days until hidden versions are destroyed: how far back a restore reaches behind a deletion."),
  objectLockDays: integer(0, 3650, "days")
    .default(0)
    .describe("Default retention of the object lock, days; 0 is none."),
  objectLockMode: oneOf("governance", "compliance").default("governance").describe("Mode of the object lock."),
  keyGeneration: integer(1, 9999).default(1).describe("Raised, it makes new keys; the old ones go once all use them."),
  failureDomain: label().describe("What fails together with this store. Repository 1's is refused."),
  timers: z
    .strictObject({
      full: calendar().default("Wed *-*-* 03:00:00 UTC").describe("When full backups run."),
      diff: calendar().default("Mon,Tue,Thu..Sun *-*-* 03:00:00 UTC").describe("When differential backups run."),
      drill: calendar().default("Wed *-*-* 05:00:00 UTC").describe("When the restore drill runs."),
    })
    .prefault({}),
  accountId: z
    .exactOptional(text(/^[0-9a-f]{32}$/, "an account id of 32 hexadecimal digits"))
    .describe("Cloudflare account. Required with r2."),
  apiUrl: z
    .url({ protocol: /^https?$/, error: "a URL such as https://api.backblazeb2.com" })
    .default("https://api.backblazeb2.com")
    .describe("Where B2 authorizes the account key (b2)."),
});

export type OffsiteKind = z.output<typeof offsiteSchema>["kind"];
type Parsed = z.output<typeof offsiteSchema>;

/** Off-site bucket, every default filled in. */
export type Offsite = Omit<Parsed, "path" | "region" | "endpoint" | "uriStyle"> & {
  path: string;
  region: string;
  endpoint: string;
  uriStyle: "path" | "host";
};

/** Fills in what depends on the kind; what a kind requires has been checked before. */
export function completeOffsite(parsed: Parsed): Offsite {
  const region = parsed.region ?? (parsed.kind === "r2" ? "auto" : "us-east-1");
  return {
    ...parsed,
    path: parsed.path ?? defaultPath(parsed.kind),
    region,
    endpoint: parsed.endpoint ?? derivedEndpoint(parsed.kind, region, parsed.accountId) ?? "",
    uriStyle: parsed.uriStyle ?? (parsed.kind === "s3" ? "host" : "path"),
  };
}

/** Path of the repository; with B2 in a folder that holds the exports as well: one prefix is what a key of B2 has. */
export const defaultPath = (kind: unknown): string => (kind === "b2" ? "/restorable/pgbackrest" : "/pgbackrest");

/** Endpoint of a provider's region; undefined where it has to be given. */
export function derivedEndpoint(kind: unknown, region: string, accountId: string | undefined): string | undefined {
  switch (kind) {
    case "b2":
      return `s3.${region}.backblazeb2.com`;
    case "s3":
      return `s3.${region}.amazonaws.com`;
    case "r2":
      return accountId === undefined ? undefined : `${accountId}.r2.cloudflarestorage.com`;
    default:
      return undefined;
  }
}
