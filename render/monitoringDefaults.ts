import { ports } from "./prometheusConf.js";

export interface PrometheusDefaultsArgs {
  /** Address that it listens on. */
  readonly address: string;
  readonly retentionDays: number;
  /** Size of the data volume and memory limit of its container, in MiB. */
  readonly dataMiB: number;
  readonly memoryMiB: number;
}

/** `/etc/default/prometheus`: arguments and environment of Debian's service. */
export function prometheusDefaults({ address, retentionDays, dataMiB, memoryMiB }: PrometheusDefaultsArgs): string {
  const args = [
    `--web.listen-address=${address}:${ports.prometheus}`,
    `--web.external-url=http://${address}:${ports.prometheus}/`,
    `--storage.tsdb.retention.time=${retentionDays}d`,
    // Write-ahead log and compaction need room beside the blocks that are kept.
    `--storage.tsdb.retention.size=${Math.floor(dataMiB * 0.8)}MB`,
  ];
  return `ARGS="${args.join(" ")}"\nGOMEMLIMIT=${Math.floor(memoryMiB * 0.6)}MiB`;
}

/** `/etc/default/prometheus-alertmanager`. The empty cluster address keeps it from looking for others of its kind. */
export function alertmanagerDefaults({ address }: { readonly address: string }): string {
  const args = [
    `--web.listen-address=${address}:${ports.alertmanager}`,
    `--web.external-url=http://${address}:${ports.alertmanager}/`,
    "--cluster.listen-address=",
  ];
  return `ARGS="${args.join(" ")}"`;
}
