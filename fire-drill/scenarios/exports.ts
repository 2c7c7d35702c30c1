import { scraped } from "../scale.js";
import type { NotDrilled, Scenario } from "../scenario.js";

/** How long the exports, or their drill, of the lab may take, seconds. */
const exportSeconds = 60;
const drillSeconds = 180;

const folder = "/etc/restorable/exports";
const exportNow = "systemctl start restorable-export.service";
const drillNow = "systemctl start restorable-export-drill.service";

/** Logical exports. */
export const exports: readonly Scenario[] = [
  {
    id: "recipients-missing",
    phase: "short",
    what: "nobody is named to encrypt the exports to",
    disturbs: ["exports"],
    break: [
      {
        in: "primary",
        run: `[ ! -e ${folder}/recipients ] || mv ${folder}/recipients ${folder}/recipients.fire-drill\n${exportNow} || true`,
      },
    ],
    repair: [
      {
        in: "primary",
        run: `[ ! -e ${folder}/recipients.fire-drill ] || mv ${folder}/recipients.fire-drill ${folder}/recipients\n${exportNow}`,
      },
    ],
    expect: [{ alert: "ExportFailed", hearer: "pager", detectSeconds: scraped + exportSeconds }],
    silenceSeconds: 60,
  },
  {
    id: "identity-exchanged",
    phase: "short",
    what: "the drill host has another age identity than the exports are encrypted to",
    disturbs: ["exports", "drill"],
    break: [
      {
        in: "host",
        run: `[ -e ${folder}/identity.fire-drill ] || cp -p ${folder}/identity ${folder}/identity.fire-drill
echo AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX >${folder}/identity
${drillNow} || true`,
      },
    ],
    repair: [
      {
        in: "host",
        run: `[ ! -e ${folder}/identity.fire-drill ] || mv ${folder}/identity.fire-drill ${folder}/identity\n${drillNow}`,
      },
    ],
    expect: [{ alert: "ExportDrillFailed", hearer: "pager", detectSeconds: scraped + drillSeconds }],
    silenceSeconds: 60,
  },
];

const byPromtool = "time alone raises it; its promtool suite has it";

/** What only time brings about. */
export const exportsNotDrilled: readonly NotDrilled[] = [
  { alert: "ExportStale", because: byPromtool },
  { alert: "ExportDrillStale", because: byPromtool },
  { alert: "ExportSmall", because: "needs days of larger exports; its promtool suite has it" },
];
