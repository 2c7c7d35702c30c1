import { renderShellEnv } from "./shellEnv.js";
import { renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";

/** Settings of the probe in a data node's container. */
export const IMMUTABILITY_ENV_FILE = "/etc/restorable/immutability.env";
const script = "/usr/local/lib/restorable/immutability-probe.sh";

export interface ImmutabilityArgs {
  readonly stanza: string;
  /** pgBackRest's number of the repository. */
  readonly repository: number;
  /** Folder of node_exporter's textfile collector in the container. */
  readonly metricsDirectory: string;
}

/** `/etc/restorable/immutability.env`. */
export function immutabilityEnv({ stanza, repository, metricsDirectory }: ImmutabilityArgs): string {
  return renderShellEnv({ STANZA: stanza, REPOSITORY: repository, METRICS_DIRECTORY: metricsDirectory });
}

/**
 * `restorable-immutability.{service,timer}` on every data node: once a week the primary tries to destroy what is in the
 * repository. On another day than backups, expiry and drills, which it might be mistaken for.
 */
export function immutabilityUnits(randomizedDelaySeconds: number): UnitFiles {
  const name = "restorable-immutability";
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      {
        name: "Unit",
        entries: [
          ["Description", "Tries to destroy what is in the off-site repository (on the primary only)"],
          ["Wants", "network-online.target"],
          ["After", "network-online.target"],
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
          ["TimeoutStartSec", "900s"],
          // Long enough to put back what is hidden.
          ["TimeoutStopSec", "180s"],
          ["Nice", 10],
          ["ExecStart", `${script} --on-primary`],
          // A run that was killed cannot do it itself.
          ["ExecStopPost", `-${script} --on-primary --put-back`],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", "Weekly probe of the off-site repository's immutability"]] },
      {
        name: "Timer",
        entries: [
          ["OnCalendar", "Sat *-*-* 06:00:00 UTC"],
          ["RandomizedDelaySec", `${randomizedDelaySeconds}s`],
          ["Persistent", true],
        ],
      },
      { name: "Install", entries: [["WantedBy", "timers.target"]] },
    ]),
  };
}
