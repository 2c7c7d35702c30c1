import type { DashboardArgs, Section } from "./panel.js";
import { archiving } from "./sections/archiving.js";
import { backups } from "./sections/backups.js";
import { drills } from "./sections/drills.js";
import { formation } from "./sections/formation.js";
import { glance } from "./sections/glance.js";
import { hosts } from "./sections/hosts.js";

/** All panels of the dashboard. The metrics are those of docs/metrics.md; each query has an answer in a healthy formation. */
export function dashboardSections(args: DashboardArgs): Section[] {
  return [glance(args), formation(), archiving(), backups(), drills(args), hosts()];
}
