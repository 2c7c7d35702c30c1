import { renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";
import { networkedUnit, postgresOneshot, type Schedule, timer } from "./systemdUnits.js";

/** `restorable-export.{service,timer}`, on every data node: the script's role gate decides which one works. */
export function exportUnits(schedule: Schedule): UnitFiles {
  const name = "restorable-export";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit("Logical exports into the off-site bucket (on the primary only)", ["After", "pg_autoctl.service"]),
      {
        name: "Service",
        entries: [
          ...postgresOneshot(21_600),
          ["Nice", 10],
          ["ExecStart", "/usr/local/lib/restorable/export/export.sh"],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(timer("Logical exports", schedule)),
  };
}

/** `restorable-export-drill.{service,timer}` for the drill host, as root: it needs `incus`. */
export function exportDrillUnits(args: Schedule & { readonly timeLimitSeconds: number }): UnitFiles {
  const name = "restorable-export-drill";
  const teardownSeconds = 300;
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit("Restore drill of the logical exports", ["After", "incus.service"]),
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "root"],
          ["UMask", "0077"],
          ["TimeoutStartSec", `${args.timeLimitSeconds + teardownSeconds}s`],
          ["TimeoutStopSec", `${teardownSeconds}s`],
          ["Nice", 10],
          ["ExecStart", "/usr/local/bin/export-drill.sh"],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(timer("Restore drill of the logical exports", args)),
  };
}
