import { type IniEntry, renderIni } from "./ini.js";

/** How long backups stay. */
export type PgbackrestRetention =
  | {
      readonly type: "count";
      /** Full backups kept. */
      readonly full: number;
      /** Differential backups kept. */
      readonly diff: number;
      /** Full backups for which all WAL is kept. */
      readonly archive: number;
    }
  | {
      readonly type: "time";
      /** A full backup goes once a younger one is older than this, days. */
      readonly days: number;
    };

/** One repository as pgBackRest sees it, without its secrets. */
export interface PgbackrestRepository {
  /** 1 to 256; the N of every `repoN-` key. */
  readonly number: number;
  /** Host name or address of the S3 endpoint, without scheme and port. */
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  /** Absolute path inside the bucket, for example `/pgbackrest`. */
  readonly path: string;
  readonly region: string;
  readonly uriStyle: "path" | "host";
  readonly retention: PgbackrestRetention;
  /** CA that signed the store's certificate; the system's CAs when absent. */
  readonly caFile?: string;
}

/** What the installed pgBackRest can do beyond the oldest version supported (2.45). */
export interface PgbackrestFeatures {
  /** `repo-block`, from 2.46 on. */
  readonly block: boolean;
}

export interface PgbackrestConfArgs {
  readonly stanza: string;
  /** Data directory; the same on every node, since a standby may become the primary. */
  readonly pgPath: string;
  /** Directory of Postgres' Unix socket; libpq's default when absent. */
  readonly pgSocketPath?: string;
  /** Parallel processes, from the container's CPU limit. */
  readonly processMax: number;
  /** zstd level. */
  readonly compressLevel: number;
  /** Where archive-async keeps its state; outside pg_wal. Unused by a drill. */
  readonly spoolPath: string;
  /** Seconds that a backup or check waits for a WAL segment to reach the archive. */
  readonly archiveTimeoutSeconds?: number;
  /** WAL, in MiB, that may wait while no repository takes it; beyond, pgBackRest drops it. Without a limit when absent. */
  readonly walQueueMiB?: number;
  readonly repositories: readonly PgbackrestRepository[];
  readonly features: PgbackrestFeatures;
  /**
   * `node`: a member of the formation. `drill`: the same rendering for a scratch restore; give it the drilled
   * repository only, and it leaves out all that concerns pushing WAL.
   */
  readonly purpose: "node" | "drill";
}

/** Credentials and passphrase of one repository. */
export interface PgbackrestRepositorySecrets {
  readonly number: number;
  readonly key: string;
  readonly keySecret: string;
  readonly cipherPass: string;
}

const STYLE = { yes: "y", no: "n" };

/**
 * The main configuration file. It holds no secret: these stand in `conf.d/secrets.conf`, which pgBackRest reads
 * through its default config-include-path, so that this text can be shown in previews and compared as it is.
 *
 * `archive-push-queue-max`: once reached, pgBackRest drops the whole queue and reports success to Postgres, which is a
 * hole in point-in-time recovery. That is the last resort before a full volume stops Postgres, and alerts come long
 * before it: docs/archiving.md.
 *
 * @throws Error when a value does not fit on its line, or when there is no repository, or two share a number.
 */
export function renderPgbackrestConf(args: PgbackrestConfArgs): string {
  checkRepositories(args);
  return renderIni(
    [
      {
        name: "global",
        entries: [
          ...globalEntries(args),
          ...args.repositories.flatMap((repository) => repositoryEntries(repository, args.features)),
        ],
      },
      { name: args.stanza, entries: stanzaEntries(args) },
    ],
    STYLE,
  );
}

/**
 * The secrets file, to be stored with mode 0600.
 *
 * @throws Error naming the key, never the value, when a secret is empty or does not fit on its line.
 */
export function renderPgbackrestSecrets(repositories: readonly PgbackrestRepositorySecrets[]): string {
  const entries = repositories.flatMap(({ number, key, keySecret, cipherPass }): IniEntry[] => [
    [`repo${number}-s3-key`, key],
    [`repo${number}-s3-key-secret`, keySecret],
    [`repo${number}-cipher-pass`, cipherPass],
  ]);
  for (const [key, value] of entries) {
    if (value === "") throw new Error(`[global] ${key}: the value is empty`);
  }
  return renderIni([{ name: "global", entries }], STYLE);
}

/**
 * Features of an installed version.
 *
 * @param version as `pgbackrest version` prints it, with or without the program's name: `pgBackRest 2.55.1`.
 * @throws Error when it holds no version number.
 */
export function pgbackrestFeatures(version: string): PgbackrestFeatures {
  const match = /(\d+)\.(\d+)/.exec(version);
  if (!match) throw new Error(`no pgBackRest version in ${JSON.stringify(version)}`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return { block: major > 2 || (major === 2 && minor >= 46) };
}

function globalEntries(args: PgbackrestConfArgs): IniEntry[] {
  const common: IniEntry[] = [
    ["process-max", args.processMax],
    ["compress-type", "zst"],
    ["compress-level", args.compressLevel],
    ["log-level-console", "info"],
    ["log-level-file", "detail"],
  ];
  if (args.purpose === "drill") return common;
  return [
    ...common,
    ["start-fast", true],
    ["archive-async", true],
    ["archive-timeout", args.archiveTimeoutSeconds ?? 60],
    ["spool-path", args.spoolPath],
    // pgBackRest's MB is 1024 KiB.
    ...(args.walQueueMiB === undefined ? [] : [["archive-push-queue-max", `${args.walQueueMiB}MB`] as const]),
  ];
}

function repositoryEntries(repository: PgbackrestRepository, features: PgbackrestFeatures): IniEntry[] {
  const key = (name: string): string => `repo${repository.number}-${name}`;
  return [
    [key("type"), "s3"],
    [key("s3-endpoint"), repository.endpoint],
    [key("storage-port"), repository.port],
    [key("s3-bucket"), repository.bucket],
    [key("s3-region"), repository.region],
    [key("s3-uri-style"), repository.uriStyle],
    ...(repository.caFile === undefined ? [] : [[key("storage-ca-file"), repository.caFile] as const]),
    [key("path"), repository.path],
    [key("cipher-type"), "aes-256-cbc"],
    [key("bundle"), true],
    ...(features.block ? [[key("block"), true] as const] : []),
    ...retentionEntries(repository.retention).map(([name, value]): IniEntry => [key(name), value]),
  ];
}

/**
 * By time nothing but the days is set: differential backups then go with their full one, and WAL once it is older than
 * the oldest backup that is kept. Both are pgBackRest's defaults.
 */
function retentionEntries(retention: PgbackrestRetention): IniEntry[] {
  if (retention.type === "time")
    return [
      ["retention-full-type", "time"],
      ["retention-full", retention.days],
    ];
  return [
    ["retention-full", retention.full],
    ["retention-diff", retention.diff],
    ["retention-archive", retention.archive],
  ];
}

function stanzaEntries(args: PgbackrestConfArgs): IniEntry[] {
  return [
    ["pg1-path", args.pgPath],
    ...(args.pgSocketPath === undefined ? [] : [["pg1-socket-path", args.pgSocketPath] as const]),
  ];
}

function checkRepositories(args: PgbackrestConfArgs): void {
  if (args.repositories.length === 0) throw new Error("pgBackRest needs at least one repository");
  const numbers = args.repositories.map((repository) => repository.number);
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
  if (twice !== undefined) throw new Error(`repository number ${twice} is used twice`);
}
