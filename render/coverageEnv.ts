import { renderShellEnv } from "./shellEnv.js";

/** Something that is left without a backup, or without a drill, on purpose. */
export interface Accepted {
  readonly place: string;
  /** Name, or `namespace/source/name`; `*` stands for any text. */
  readonly name: string;
  readonly reason: string;
  readonly only?: "drill";
}

/** An inventory that has to be there and new. */
export interface ExpectedInventory {
  readonly place: string;
  /** Who takes it; any one when absent. */
  readonly reporter?: string;
}

/** What `coverage.sh` needs to know. */
export interface CoverageEnv {
  /** Where Prometheus answers, as seen from the host that asks. */
  readonly prometheusUrl: string;
  readonly stanza: string;
  /** First part of the names of the drills' and dumps' metrics. */
  readonly metricsPrefix: string;
  /** Folder of the textfile collector. */
  readonly metricsDirectory: string;
  /** Ages up to which a backup, a passed drill, an inventory count. */
  readonly backupMaxAgeSeconds: number;
  readonly drillMaxAgeSeconds: number;
  readonly inventoryMaxAgeSeconds: number;
  readonly inventories: readonly ExpectedInventory[];
  /** Incus volumes whose data the stanza's backups hold. */
  readonly stanzaVolumes: readonly string[];
  /** Containers on Docker hosts whose dump holds all that is in them. */
  readonly dockerDumps: readonly { readonly kind: string; readonly host: string; readonly container: string }[];
  readonly accepted: readonly Accepted[];
}

/** `/etc/restorable/coverage.env`: shell assignments, no secret among them. */
export function renderCoverageEnv(env: CoverageEnv): string {
  return renderShellEnv({
    PROMETHEUS_URL: env.prometheusUrl,
    STANZA: env.stanza,
    METRICS_PREFIX: env.metricsPrefix,
    METRICS_DIRECTORY: env.metricsDirectory,
    BACKUP_MAX_AGE_SECONDS: env.backupMaxAgeSeconds,
    DRILL_MAX_AGE_SECONDS: env.drillMaxAgeSeconds,
    INVENTORY_MAX_AGE_SECONDS: env.inventoryMaxAgeSeconds,
    PLACES: env.inventories.map(({ place, reporter }) => [place, ...(reporter ? [reporter] : [])].join(" ")).join("\n"),
    STANZA_VOLUMES: env.stanzaVolumes.join(" "),
    DOCKER_DUMPS: env.dockerDumps.map(({ kind, host, container }) => `${kind} ${host} ${container}`).join("\n"),
    ACCEPTED: JSON.stringify(env.accepted),
  });
}
