import { identityToRecipient } from "age-encryption";
import { renderIni } from "./ini.js";
import { renderShellEnv } from "./shellEnv.js";

/** Where exports go, without secrets: the off-site bucket as rclone reaches it. */
export interface ExportStore {
  /** Host name or address, without scheme and port. */
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  /** Path of the repository in the bucket, for example `/pgbackrest`. */
  readonly path: string;
  readonly region: string;
  readonly uriStyle: "path" | "host";
}

/** What the data nodes export, and for how long it is kept. */
export interface ExportsArgs {
  readonly store: ExportStore;
  /** Names; all but templates when absent. */
  readonly databases?: readonly string[];
  readonly retentionDays: number;
  /** Folder of the textfile collector. */
  readonly metricsDirectory: string;
}

/** Folder of the exports' own files, on data nodes and drill host: rclone's configuration, recipients or identity, CA. */
export const exportsDirectory = "/etc/restorable/exports";

/**
 * Path of a folder beside the repository: with `/site/pgbackrest` that of the exports is `/site/exports`, and a key that
 * can be limited to one prefix only, as on B2, is limited to `site/`.
 */
export const besideRepository = (path: string, folder: string): string =>
  `${path.replace(/\/*[^/]*\/*$/, "")}/${folder}`;

/** Remote, bucket and prefix of the exports, as rclone names them. */
export const exportsRoot = ({ bucket, path }: ExportStore): string =>
  `exports:${bucket}${besideRepository(path, "exports")}`;

/** `/etc/restorable/exports.env` of a data node. @param ownCa whether the store's certificate needs its own authority */
export function exportsEnv({ store, databases, retentionDays, metricsDirectory }: ExportsArgs, ownCa: boolean): string {
  return renderShellEnv({
    DATABASES: (databases ?? []).join("\n"),
    EXPORTS_ROOT: exportsRoot(store),
    RCLONE_FILE: `${exportsDirectory}/rclone.conf`,
    STORE_CA: ownCa ? `${exportsDirectory}/store-ca.crt` : "",
    RECIPIENTS_FILE: `${exportsDirectory}/recipients`,
    RETENTION_DAYS: retentionDays,
    METRICS_DIRECTORY: metricsDirectory,
  });
}

/**
 * rclone's configuration with a key: for a file of mode 0600. `Other`, whichever store it is: with B2 too rclone then speaks
 * plain S3, in which a deletion by name hides the object.
 *
 * @throws Error naming the key, never the value, when a value does not fit on its line
 */
export function rcloneConf(store: ExportStore, secrets: { readonly key: string; readonly keySecret: string }): string {
  return renderIni(
    [
      {
        name: "exports",
        entries: [
          ["type", "s3"],
          ["provider", "Other"],
          ["endpoint", `https://${store.endpoint}:${store.port}`],
          ["region", store.region],
          ["force_path_style", store.uriStyle === "path"],
          // The keys may neither make buckets nor look at all of them.
          ["no_check_bucket", true],
          ["access_key_id", secrets.key],
          ["secret_access_key", secrets.keySecret],
        ],
      },
    ],
    { yes: "true", no: "false" },
  );
}

/**
 * The public keys that exports are encrypted to, one a line: that of the stack's identity first.
 *
 * @param identity `AGE-SECRET-KEY-1...`
 * @throws Error that shows nothing of the identity, when it is none
 */
export async function recipientsOf(identity: string, further: readonly string[]): Promise<string> {
  const own = await identityToRecipient(identity.trim()).catch(() => {
    throw new Error("exportsIdentity is no age identity (AGE-SECRET-KEY-1...); age-keygen makes one");
  });
  return [own, ...further.filter((recipient) => recipient !== own)].join("\n");
}
