import { limits, minutely, scraped } from "../scale.js";
import type { Scenario } from "../scenario.js";
import { archiveWal, backUp, passDrill, passDrills, runDrill, timers } from "../shell.js";

/** How long a restore drill of the lab may take, seconds. */
const drillSeconds = 180;

const settings = "/etc/restorable/drill.env";

/** The restore drill. */
export const drills: readonly Scenario[] = [
  {
    id: "users-empty",
    phase: "short",
    what: "the users table is empty when the drill restores it",
    disturbs: ["drill", "archiving"],
    break: [
      {
        in: "primary",
        run: `[ "$(sql -d {database} -c "SELECT to_regclass('users_fire_drill') IS NULL")" != t ] || sql -d {database} --single-transaction <<'SQL'
ALTER TABLE users RENAME TO users_fire_drill;
CREATE TABLE users (LIKE users_fire_drill INCLUDING ALL);
SQL
${archiveWal}`,
      },
      { in: "host", run: `${runDrill} || true` },
    ],
    repair: [
      {
        in: "primary",
        run: `[ "$(sql -d {database} -c "SELECT to_regclass('users_fire_drill') IS NULL")" = t ] || sql -d {database} --single-transaction <<'SQL'
DROP TABLE users;
ALTER TABLE users_fire_drill RENAME TO users;
SQL
${archiveWal}`,
      },
      { in: "host", run: passDrill },
    ],
    expect: [{ alert: "BackupRestoreDrillFailed", hearer: "pager", detectSeconds: 60 + drillSeconds }],
    silenceSeconds: 60,
  },
  {
    id: "image-missing",
    phase: "short",
    what: "the drill's images are missing",
    disturbs: ["drill"],
    break: [
      {
        in: "host",
        run: `. ${settings}
for image in "$IMAGE" "$FALLBACK_IMAGE"; do
  [ -z "$image" ] || incus -q --project "$INCUS_PROJECT" image alias rename "$image" "$image-fire-drill" 2>/dev/null || true
done
${runDrill} || true`,
      },
    ],
    repair: [
      {
        in: "host",
        run: `. ${settings}
for image in "$IMAGE" "$FALLBACK_IMAGE"; do
  [ -z "$image" ] || incus -q --project "$INCUS_PROJECT" image alias rename "$image-fire-drill" "$image" 2>/dev/null || true
done
${passDrill}`,
      },
    ],
    expect: [{ alert: "BackupRestoreDrillUnverified", hearer: "ticket", detectSeconds: 60 }],
    silenceSeconds: 60,
  },
  {
    id: "restore-too-slow",
    phase: "short",
    what: "a restore may take 1 s only",
    disturbs: ["drill"],
    break: [
      {
        in: "host",
        run: `keep drill.env <${settings}
sed "s/^RTO_BOUND_SECONDS=.*/RTO_BOUND_SECONDS='1'/" "$kept/drill.env" >${settings}
${passDrill}`,
      },
    ],
    repair: [
      {
        in: "host",
        run: `[ ! -e "$kept/drill.env" ] || { cat "$kept/drill.env" >${settings}; rm -f "$kept/drill.env"; }
${passDrill}`,
      },
    ],
    expect: [{ alert: "DrillRtoExceeded", hearer: "ticket", detectSeconds: drillSeconds }],
    silenceSeconds: 60,
  },
  {
    id: "drill-unseen",
    phase: "short",
    what: "the drill's metrics are gone",
    disturbs: ["drill"],
    break: [
      {
        in: "host",
        run: `for file in "$textfiles"/*_backup_drill_*_repo*.prom; do [ ! -e "$file" ] || mv "$file" "$file.fire-drill"; done`,
      },
    ],
    repair: [
      {
        in: "host",
        run: `for file in "$textfiles"/*_backup_drill_*_repo*.prom.fire-drill; do [ ! -e "$file" ] || mv "$file" "\${file%.fire-drill}"; done`,
      },
    ],
    expect: [{ alert: "BackupRestoreDrillAbsent", hearer: "pager", detectSeconds: scraped }],
    silenceSeconds: 60,
  },
  {
    id: "nothing-runs",
    phase: "days",
    what: "no backup and no drill is made any more: their timers are stopped",
    disturbs: ["drill", "archiving", "repositories"],
    prepare: [
      { in: "host", run: passDrills },
      { in: "primary", run: `${backUp("full")}\nsystemctl start restorable-metrics.service` },
    ],
    break: [
      { in: "primary", run: timers("stop", "full", "diff") },
      { in: "standby", run: timers("stop", "full", "diff") },
      { in: "host", run: timers("stop", "drill") },
    ],
    repair: [
      { in: "primary", run: timers("start", "full", "diff") },
      { in: "standby", run: timers("start", "full", "diff") },
      { in: "host", run: `${timers("start", "drill")}\n${passDrills}` },
      { in: "primary", run: backUp("full") },
    ],
    expect: [
      {
        alert: "FullBackupStale",
        hearer: "pager",
        detectSeconds: limits.days.fullBackupStaleSeconds + minutely,
      },
      {
        alert: "DiffBackupStale",
        hearer: "pager",
        detectSeconds: limits.days.diffBackupStaleSeconds + minutely,
      },
      {
        alert: "BackupRestoreDrillStale",
        hearer: "pager",
        detectSeconds: limits.days.fullBackupStaleSeconds + minutely,
      },
    ],
    silenceSeconds: minutely + 30,
  },
];
