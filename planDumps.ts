import type { Expected } from "./render/alertRules.js";
import { type DumpArgs, dumpCron, dumpUnits } from "./render/dumps.js";
import { besideRepository, type ExportStore } from "./render/exports.js";
import type { Machine } from "./render/prometheusConf.js";
import { joinUnits } from "./render/systemdUnit.js";
import type { Settings } from "./settings/complete.js";
import { defaultFolder } from "./settings/dumps.js";

/** One dump on one host, as the component wants it. */
export interface PlannedDump {
  /** Host by its name in `dumps.hosts` or `hosts`. */
  host: string;
  dump: DumpArgs;
  /** One of them is empty. */
  cron: string;
  units: string;
  /** Absent without a copy off site. */
  upload?: {
    store: ExportStore;
    /** age recipients beside that of the stack's identity. */
    recipients: readonly string[];
    /** Whether the store's certificate is signed by the stack's own authority. */
    ownCa: boolean;
  };
}

/** What the program needs of the settings for the dumps, beside their hosts. */
export type DumpSettings = Pick<Settings, "metrics" | "offsite" | "offsiteStore" | "exports"> & {
  dumps?: Pick<NonNullable<Settings["dumps"]>, Exclude<keyof NonNullable<Settings["dumps"]>, "hosts">>;
};

/** Part of `plan` for the dumps; none without them. */
export function planDumps({ dumps, metrics, offsite, offsiteStore, exports }: DumpSettings): PlannedDump[] {
  if (!dumps) return [];
  const { jobs, scheduler, time, root, requireMount, keepDays, minimumRatio, upload } = dumps;
  return jobs.map((job) => {
    const { kind, host } = job;
    const dump: DumpArgs = {
      kind,
      host,
      root,
      requireMount,
      keepDays,
      minimumRatio,
      metricsDirectory: metrics.directory,
      metricsPrefix: metrics.prefix,
      ...(kind === "k3s_pvc"
        ? {
            directory: job.fallbackDirectory ?? defaultFolder(kind),
            kubeconfig: job.kubeconfig ?? "/etc/rancher/k3s/k3s.yaml",
          }
        : {
            directory: job.directory ?? defaultFolder(kind),
            container: job.container ?? kind,
            user: job.user ?? (kind === "gitea" ? "git" : "postgres"),
          }),
      ...(upload && offsite
        ? { uploadRoot: `exports:${offsite.bucket}${besideRepository(offsite.path, "dumps")}/${host}/${kind}` }
        : {}),
    };
    return {
      host,
      dump,
      cron: scheduler === "cron" ? dumpCron(dump, time) : "",
      units: scheduler === "timer" ? joinUnits(dumpUnits(dump, time)) : "",
      ...(upload && offsite
        ? {
            upload: {
              store: offsite,
              recipients: exports?.recipients ?? [],
              ownCa: offsiteStore?.address === offsite.endpoint,
            },
          }
        : {}),
    };
  });
}

/** Folders of the off-site bucket that the dumps need. */
export const dumpFolders = ({ dumps, offsite }: DumpSettings): string[] =>
  dumps?.upload && offsite ? [besideRepository(offsite.path, "dumps")] : [];

/** Hosts of dumps alone, as Prometheus scrapes them. */
export const dumpMachines = ({ dumps }: Pick<Settings, "dumps">): Machine[] =>
  (dumps?.hosts ?? []).map(({ name, address }) => ({ name, address, role: "dump", host: name }));

/** Dumps whose metrics must exist. */
export const expectedDumps = ({ dumps }: DumpSettings): Pick<Expected, "dumps"> =>
  dumps ? { dumps: dumps.jobs.map(({ kind, host }) => ({ kind, host })) } : {};
