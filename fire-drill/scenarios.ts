import type { NotDrilled, Scenario } from "./scenario.js";
import { archiving, repositories } from "./scenarios/archiving.js";
import { drills } from "./scenarios/drills.js";
import { escrow } from "./scenarios/escrow.js";
import { exports, exportsNotDrilled } from "./scenarios/exports.js";
import { formation } from "./scenarios/formation.js";
import { hosts } from "./scenarios/hosts.js";

/** Everything that is broken, in the order of the report. The longest come first: others run beside them. */
export const scenarios: readonly Scenario[] = [
  ...repositories,
  ...archiving,
  ...drills,
  ...exports,
  ...escrow,
  ...formation,
  ...hosts,
];

/** Alerts without a scenario of their own. */
export const notDrilled: readonly NotDrilled[] = [
  ...exportsNotDrilled,
  {
    alert: "PitrDrillFailed",
    because: "as BackupRestoreDrillFailed; the window of a lab under a fire drill has moments that rightly fail",
  },
  { alert: "PitrDrillStale", because: "as BackupRestoreDrillStale" },
  {
    alert: "ImmutabilityProbeFailed",
    because:
      "it would open the off-site store; test/e2e/2-immutability-stores has a probe fail for real, by each reason",
  },
  { alert: "ImmutabilityProbeStale", because: "as BackupRestoreDrillStale" },
  {
    alert: "CoverageMissing",
    because: "test/e2e/2-coverage has the ledger find it for real; its promtool suite has the day",
  },
  { alert: "CoverageUndrilled", because: "as CoverageMissing, with a week" },
  { alert: "CoverageStale", because: "time alone raises it; its promtool suite has it" },
];
