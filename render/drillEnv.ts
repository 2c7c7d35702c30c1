import { renderShellEnv } from "./shellEnv.js";

/** What `dr-drill.sh` needs to know, besides the repositories' configuration and secrets. */
export interface DrillEnv {
  stanza: string;
  repositories: number[];
  incusProject: string;
  image: string;
  fallbackImage: string;
  storagePool: string;
  network: string;
  cpu: number;
  memory: string;
  major: number;
  pgPath: string;
  database: string;
  query: string;
  minUsersExpected: number;
  metricsDirectory: string;
  metricsPrefix: string;
  timeLimitSeconds: number;
  keepExpiryHours: number;
  rtoBoundSeconds: number;
  packageSource: string;
  /** Repositories whose key may only read, which the drill proves by trying to write and to delete. */
  readOnlyRepositories: number[];
  /** Looks at the copy beyond the smoke query. */
  depth: { amcheck: boolean; dump: boolean; checksums: boolean };
  /** Comparison with the row counts that the backups carry. */
  rows: { compare: boolean; tolerancePercent: number; ignore: readonly string[] };
}

/** `/etc/restorable/drill.env`: shell assignments, no secret among them. */
export function renderDrillEnv(env: DrillEnv): string {
  return renderShellEnv({
    STANZA: env.stanza,
    REPOSITORIES: env.repositories.join(" "),
    INCUS_PROJECT: env.incusProject,
    IMAGE: env.image,
    FALLBACK_IMAGE: env.fallbackImage,
    STORAGE_POOL: env.storagePool,
    NETWORK: env.network,
    CONTAINER: "pg-restore-drill",
    CPU: env.cpu,
    MEMORY: env.memory,
    PG_MAJOR: env.major,
    PG_PATH: env.pgPath,
    DATABASE: env.database,
    SMOKE_QUERY: env.query,
    MIN_USERS_EXPECTED: env.minUsersExpected,
    METRICS_DIR: env.metricsDirectory,
    METRICS_PREFIX: env.metricsPrefix,
    TIME_LIMIT_SECONDS: env.timeLimitSeconds,
    KEEP_EXPIRY_HOURS: env.keepExpiryHours,
    RTO_BOUND_SECONDS: env.rtoBoundSeconds,
    PACKAGE_SOURCE: env.packageSource,
    READ_ONLY_REPOSITORIES: env.readOnlyRepositories.join(" "),
    DEPTH_AMCHECK: Number(env.depth.amcheck),
    DEPTH_DUMP: Number(env.depth.dump),
    DEPTH_CHECKSUMS: Number(env.depth.checksums),
    ROWS_COMPARE: Number(env.rows.compare),
    ROWS_TOLERANCE_PERCENT: env.rows.tolerancePercent,
    ROWS_IGNORE: env.rows.ignore.join(" "),
  });
}
