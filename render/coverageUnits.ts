import { renderShellEnv } from "./shellEnv.js";
import { renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";
import { networkedUnit, type Schedule, timer } from "./systemdUnits.js";

/** `restorable-coverage.{service,timer}` on the host of the ledger. */
export function coverageUnits(schedule: Schedule): UnitFiles {
  const name = "restorable-coverage";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit("Coverage ledger: what lives against its backups and drills"),
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "root"],
          ["UMask", "0077"],
          ["NoNewPrivileges", true],
          ["TimeoutStartSec", "120s"],
          // What is uncovered is a finding, told by the metrics; what could not be verified is a failure of the job.
          ["SuccessExitStatus", 1],
          ["ExecStart", "/usr/local/bin/coverage.sh --metrics"],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(timer("Coverage ledger", schedule)),
  };
}

/** `/etc/restorable/docker-inventory.env` of a host with Docker. */
export const dockerInventoryEnv = (args: { readonly host: string; readonly directory: string }): string =>
  renderShellEnv({ METRICS_DIRECTORY: args.directory, HOST: args.host });

/** `restorable-docker-inventory.{service,timer}`: what lives in Docker, four times an hour. */
export function dockerInventoryUnits(): UnitFiles {
  const name = "restorable-docker-inventory";
  const description = "Inventory of what lives in Docker, for the coverage ledger";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit(description, ["After", "docker.service"]),
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "root"],
          ["UMask", "0077"],
          ["TimeoutStartSec", "300s"],
          ["Nice", 10],
          ["ExecStart", "/usr/local/lib/restorable/docker-inventory/docker-inventory.sh"],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit(
      timer(description, { onCalendar: "*-*-* *:05/15:00 UTC", randomizedDelaySeconds: 60 }),
    ),
  };
}
