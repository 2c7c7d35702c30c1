import { renderShellEnv } from "./shellEnv.js";
import { renderUnit, type UnitFiles, unitPath } from "./systemdUnit.js";
import { networkedUnit } from "./systemdUnits.js";

/** One dump on one host, without secrets. */
export interface DumpArgs {
  readonly kind: "postgres" | "gitea" | "k3s_pvc";
  /** Name of the host: label `host` of its metrics. */
  readonly host: string;
  /** Folder of backup.sh, restore.sh and what belongs to them. */
  readonly directory: string;
  /** Folder of the dumps of all kinds. */
  readonly root: string;
  readonly requireMount: boolean;
  readonly keepDays: number;
  readonly minimumRatio: number;
  /** Folder of the textfile collector. */
  readonly metricsDirectory: string;
  readonly metricsPrefix: string;
  /** Docker container, and the user in there: postgres and gitea. */
  readonly container?: string;
  readonly user?: string;
  /** k3s_pvc. */
  readonly kubeconfig?: string;
  /** Remote, bucket and prefix of the copies off site, as rclone names them. Absent without. */
  readonly uploadRoot?: string;
}

/** A dump that takes longer hangs. */
const timeLimitSeconds = 21_600;

/** `dump.env` beside the scripts. */
export function dumpEnv(args: DumpArgs): string {
  return renderShellEnv({
    KIND: args.kind,
    HOST: args.host,
    ROOT: args.root,
    REQUIRE_MOUNT: args.requireMount ? 1 : 0,
    KEEP_DAYS: args.keepDays,
    MINIMUM_RATIO: args.minimumRatio,
    TIME_LIMIT_SECONDS: timeLimitSeconds,
    METRICS_DIRECTORY: args.metricsDirectory,
    METRICS_PREFIX: args.metricsPrefix,
    ...(args.container === undefined ? {} : { CONTAINER: args.container, DUMP_USER: args.user ?? "" }),
    ...(args.kubeconfig === undefined ? {} : { KUBECONFIG: args.kubeconfig, COPY_DIRECTORY: args.directory }),
    EXPORTS_ROOT: args.uploadRoot ?? "",
  });
}

/** File of this dump's figures. */
export const dumpMetricsFile = ({ metricsDirectory, metricsPrefix, kind }: DumpArgs): string =>
  `${metricsDirectory}/${metricsPrefix}_dump_${kind}.prom`;

/** Programs that the host must have for it. */
export const dumpPrograms = ({ kind, uploadRoot }: DumpArgs): string[] => [
  kind === "k3s_pvc" ? "jq" : "docker",
  ...(uploadRoot === undefined ? [] : ["age", "rclone"]),
];

const unitName = (kind: DumpArgs["kind"]) => `restorable-dump-${kind}`;

/** `/etc/cron.d/restorable-dump-<kind>`. @param time `HH:MM` by the host's own clock */
export function dumpCron({ kind, directory }: DumpArgs, time: string): string {
  const [hour, minute] = time.split(":").map(Number);
  return [
    `# Daily dump of ${kind}. What it says is in the journal: journalctl -t ${unitName(kind)}`,
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    `${minute} ${hour} * * * root ${directory}/backup.sh 2>&1 | logger -t ${unitName(kind)}`,
  ].join("\n");
}

/** `restorable-dump-<kind>.{service,timer}`, in the place of cron. A run that was missed is made up for. */
export function dumpUnits({ kind, directory }: DumpArgs, time: string): UnitFiles {
  const name = unitName(kind);
  return {
    [unitPath(`${name}.service`)]: renderUnit([
      networkedUnit(`Daily dump of ${kind}`, ["After", "docker.service k3s.service"]),
      {
        name: "Service",
        entries: [
          ["Type", "oneshot"],
          ["User", "root"],
          ["UMask", "0077"],
          ["TimeoutStartSec", `${timeLimitSeconds + 3600}s`],
          ["Nice", 10],
          ["SyslogIdentifier", name],
          ["ExecStart", `${directory}/backup.sh`],
        ],
      },
    ]),
    [unitPath(`${name}.timer`)]: renderUnit([
      { name: "Unit", entries: [["Description", `Daily dump of ${kind}, ${time} by this host's clock`]] },
      {
        name: "Timer",
        entries: [
          ["OnCalendar", `*-*-* ${time}:00`],
          ["Persistent", true],
        ],
      },
      { name: "Install", entries: [["WantedBy", "timers.target"]] },
    ]),
  };
}
