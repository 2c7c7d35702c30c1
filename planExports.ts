import { type ExportsArgs, exportsRoot } from "./render/exports.js";
import { exportDrillUnits, exportUnits } from "./render/exportUnits.js";
import { failoverTestEnv } from "./render/failoverTestEnv.js";
import type { RestoreEnv } from "./render/restoreEnv.js";
import type { UnitFiles } from "./render/systemdUnit.js";
import type { Settings } from "./settings/complete.js";

/** What the settings say about logical exports, as the renderers want it. */
export interface ExportsPlan {
  files: ExportsArgs;
  /** age recipients beside that of the stack's identity. */
  recipients: readonly string[];
  nodeUnits: UnitFiles;
  drillUnits: UnitFiles;
  /** Whether the store's certificate is signed by the stack's own authority. */
  ownCa: boolean;
}

/** Part of `plan` for the exports; undefined without them. */
export function planExports(settings: Settings): ExportsPlan | undefined {
  const { exports, offsite, offsiteStore, metrics, backup, drill } = settings;
  if (!exports || !offsite) return undefined;
  const { randomizedDelaySeconds } = backup;
  const { databases, retentionDays } = exports;
  return {
    files: {
      store: offsite,
      ...(databases ? { databases } : {}),
      retentionDays,
      metricsDirectory: metrics.directory,
    },
    recipients: exports.recipients,
    nodeUnits: exportUnits({ onCalendar: exports.calendar, randomizedDelaySeconds }),
    drillUnits: exportDrillUnits({
      onCalendar: exports.drill,
      randomizedDelaySeconds,
      timeLimitSeconds: drill.timeLimitSeconds,
    }),
    ownCa: offsiteStore?.address === offsite.endpoint,
  };
}

/** Part of `plan` for what restores beside the formation. */
export function planRestore(settings: Settings): RestoreEnv {
  const { host, nodes } = failoverTestEnv(settings);
  const planned = planExports(settings);
  return { host, nodes, exportsRoot: planned ? exportsRoot(planned.files.store) : "" };
}
