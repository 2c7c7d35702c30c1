import { type Draft, object } from "./draft.js";
import { defaultPath, derivedEndpoint } from "./offsite.js";
import type { Problem } from "./problems.js";

type Raw = Record<string, unknown>;

/** Fewer days than this and a weekend with a holiday outlasts the off-site backups. */
const shortestRetentionDays = 7;

/** Checks of the off-site bucket against its kind and against repository 1. */
export function offsiteChecks(raw: Raw, { repositories, offsiteStore }: Draft): Problem[] {
  const allow = object(object(raw.backup).allow);
  if (raw.offsite === undefined) return [...missing(raw), ...storeWithout(offsiteStore)];
  const offsite = object(raw.offsite);
  return [
    ...required(offsite),
    ...kindLimits(offsite),
    ...retention(offsite, allow),
    ...apart(offsite, repositories[0] ?? {}, allow),
    ...ownStore(offsite, offsiteStore),
  ];
}

function missing(raw: Raw): Problem[] {
  if (raw.environment !== "prod" || raw.allowNoOffsite === true) return [];
  const message =
    "is missing: without a second repository the loss of repository 1's store loses every backup. Set it, or allowNoOffsite: true if that is meant";
  return [{ path: ["offsite"], message }];
}

function storeWithout(offsiteStore: Raw | undefined): Problem[] {
  if (!offsiteStore) return [];
  return [{ path: ["offsiteStore"], message: "is set without offsite, which would use it: set offsite, or remove it" }];
}

/** What a kind cannot do without. */
function required(offsite: Raw): Problem[] {
  const needs: Record<string, [key: string, why: string][]> = {
    b2: [["region", "the region in the bucket's endpoint, such as us-west-004"]],
    s3: [["region", "the bucket's region, such as eu-west-3"]],
    r2: [["accountId", "the Cloudflare account that has the bucket"]],
    existing: [["endpoint", "the store's name or address, without scheme and port"]],
  };
  return (needs[String(offsite.kind)] ?? []).flatMap(([key, why]) =>
    offsite[key] === undefined
      ? [{ path: ["offsite", key], message: `is missing; with kind ${offsite.kind} it must be ${why}` }]
      : [],
  );
}

/** What a kind cannot do. */
function kindLimits({ kind, bucket, objectLockDays }: Raw): Problem[] {
  if (kind === "b2" && typeof bucket === "string" && !/^(?!b2-)[a-z0-9-]{6,63}$/.test(bucket))
    return [
      {
        path: ["offsite", "bucket"],
        message: "is no bucket name of B2: 6 to 63 letters, digits and hyphens, not beginning with b2-",
      },
    ];
  if (kind === "r2" && typeof objectLockDays === "number" && objectLockDays > 0)
    return [
      {
        path: ["offsite", "objectLockDays"],
        message: "does not go with r2, which locks whole prefixes: pgBackRest overwrites backup.info and archive.info",
      },
    ];
  return [];
}

function retention({ retentionDays }: Raw, allow: Raw): Problem[] {
  if (typeof retentionDays !== "number" || retentionDays >= shortestRetentionDays) return [];
  if (allow.shortOffsiteRetention === true) return [];
  const message = `${retentionDays} is refused: damage that is noticed after a week would have outlived every off-site backup. Allowed: ${shortestRetentionDays} or more, or backup.allow.shortOffsiteRetention: true`;
  return [{ path: ["offsite", "retentionDays"], message }];
}

/** Two repositories that are lost together are one. */
function apart(offsite: Raw, first: Raw, allow: Raw): Problem[] {
  const { kind, region, accountId, failureDomain } = offsite;
  const endpoint =
    offsite.endpoint ?? derivedEndpoint(kind, String(region), typeof accountId === "string" ? accountId : undefined);
  const sameEndpoint =
    endpoint !== undefined && endpoint === first.endpoint && (offsite.port ?? 443) === (first.port ?? 443);
  if (
    sameEndpoint &&
    offsite.bucket === first.bucket &&
    (offsite.path ?? defaultPath(kind)) === (first.path ?? defaultPath("existing"))
  )
    return [{ path: ["offsite", "bucket"], message: "is repository 1's own place: two repositories cannot share one" }];
  if (allow.sameFailureDomain === true) return [];
  const override = "if that is meant, set backup.allow.sameFailureDomain: true";
  return [
    ...(sameEndpoint
      ? [
          {
            path: ["offsite", "endpoint"],
            message: `"${endpoint}" is repository 1's endpoint too: its loss would take both repositories; ${override}`,
          },
        ]
      : []),
    ...(typeof failureDomain === "string" && failureDomain === first.failureDomain
      ? [
          {
            path: ["offsite", "failureDomain"],
            message: `"${failureDomain}" is repository 1's failure domain too: its loss would take both repositories; ${override}`,
          },
        ]
      : []),
  ];
}

/** The stack's own off-site store is there for repository 2. */
function ownStore(offsite: Raw, store: Raw | undefined): Problem[] {
  if (!store || typeof store.address !== "string") return [];
  const port = store.port ?? 9000;
  if (offsite.kind === "existing" && offsite.endpoint === store.address && (offsite.port ?? 443) === port) return [];
  const message = `"${store.address}" port ${port} is not the off-site repository's: set offsite.kind to existing, offsite.endpoint and offsite.port to it`;
  return [{ path: ["offsiteStore", "address"], message }];
}
