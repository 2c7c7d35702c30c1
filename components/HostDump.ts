import * as pulumi from "@pulumi/pulumi";
import { type DumpArgs, dumpEnv, dumpMetricsFile, dumpPrograms } from "../render/dumps.js";
import { type ExportStore, recipientsOf } from "../render/exports.js";
import type { BucketKey } from "./OffsiteBucket.js";
import { rcloneSecret } from "./PgExports.js";
import type { RemoteHost } from "./RemoteHost.js";

export interface HostDumpArgs {
  host: RemoteHost;
  dump: DumpArgs;
  /** Text of its file in /etc/cron.d, or units: the other one is empty. */
  cron: string;
  units: string;
  /** The encrypted copy off site. */
  upload?: {
    store: ExportStore;
    /** Key that reads and writes, and destroys no version. */
    writer: BucketKey;
    /** age identity of the stack: only its public key goes to the host. */
    identity: pulumi.Input<string>;
    /** Further age recipients. */
    recipients: readonly string[];
    /** PEM of the authority that signed the store's certificate; empty for the system's. */
    storeCa: pulumi.Input<string>;
  };
}

/** The daily dump of one kind on one host, and what restores it. Before anything is put there, the dump command is tried. */
export class HostDump extends pulumi.ComponentResource {
  constructor(name: string, args: HostDumpArgs, opts?: pulumi.ComponentResourceOptions) {
    super("restorable:index:HostDump", name, {}, opts);
    const { host, dump, cron, units, upload } = args;
    const { kind, directory } = dump;
    host.step(
      `${name}-step`,
      {
        script: "dump-host",
        undo: {
          script: "dump-host-remove",
          settings: { KIND: kind, DIRECTORY: directory, METRICS_FILE: dumpMetricsFile(dump) },
        },
        target: `dump-${kind}`,
        files: ["dump", "dump-schedule-remove.sh", "metrics/textfile.sh", "export/store.sh", "export/upload.sh"],
        settings: {
          KIND: kind,
          DIRECTORY: directory,
          ENV_FILE: dumpEnv(dump),
          PROGRAMS: dumpPrograms(dump).join(" "),
          CRON: cron,
          UNITS: units,
          METRICS_DIR: dump.metricsDirectory,
          STORE_CA: upload?.storeCa ?? "",
          // Public keys: a preview may show them, though they come from a secret.
          RECIPIENTS: upload
            ? pulumi.unsecret(
                pulumi.output(upload.identity).apply((identity) => recipientsOf(identity, upload.recipients)),
              )
            : "",
        },
        ...(upload ? { secrets: { RCLONE_CONF: rcloneSecret(upload.store, upload.writer) } } : {}),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
