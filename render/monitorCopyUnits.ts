import { renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";
import { NODE_SCRIPT_DIRECTORY } from "./systemdUnits.js";

/** `restorable-monitor-copy.{service,timer}`: the monitor's history into the formation's database, on the primary. */
export function monitorCopyUnits(): UnitFiles {
  const name = "restorable-monitor-copy";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      {
        name: "Unit",
        entries: [
          ["Description", "Copy of the monitor's history into the database (on the primary only)"],
          ["After", "pg_autoctl.service"],
        ],
      },
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "postgres"],
          ["Group", "postgres"],
          ["UMask", "0077"],
          ["NoNewPrivileges", true],
          ["TimeoutStartSec", "240s"],
          ["ExecStart", `${NODE_SCRIPT_DIRECTORY}/monitor-copy.sh`],
        ],
      },
    ]),
    // Nothing to catch up on after a pause: each run takes all that is new.
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", "Copy of the monitor's history every ten minutes"]] },
      {
        name: "Timer",
        entries: [
          ["OnCalendar", "*-*-* *:04/10:00 UTC"],
          ["RandomizedDelaySec", "60s"],
        ],
      },
      { name: "Install", entries: [["WantedBy", "timers.target"]] },
    ]),
  };
}
