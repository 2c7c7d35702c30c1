import { type DrillFigures, repositories } from "./drill.js";
import { escrowFile } from "./escrow.js";
import { monitoringUrls } from "./monitoring.js";
import { durations, elapsedSeconds } from "./progress.js";
import type { Toolchain } from "./toolchain/toolchain.js";
import type { World } from "./world.js";

/** The last words of `npm run lab`: where everything is, what was measured, what to do next. */
export function summary(
  world: World,
  toolchain: Toolchain,
  changed: boolean,
  drills: DrillFigures[],
  escrow: Date | undefined,
): string {
  const { subnet, host, hosts, dataNodes, incusProject, name } = world;
  const option = name === "lab" ? "" : ` -- --name ${name} --subnet ${subnet}`;
  const run = (project: string, command: string) => `incus --project ${project} exec ${command}`;
  // The monitor is on the last host.
  const monitorProject = hosts.at(-1)?.incusProject ?? incusProject;
  const urls = monitoringUrls(world);
  return [
    "",
    changed ? "The lab runs." : "The lab runs; nothing had to be changed.",
    "",
    ...hosts.map((it) => `  host         ${it.name} ${it.address} (container in Incus project ${it.incusProject})`),
    `  formation    monitor ${subnet}.11, data nodes ${dataNodes.map((_, index) => `${subnet}.${12 + index}`).join(" ")}`,
    `  repository 1 https://${subnet}.20:9000, bucket ${incusProject}`,
    `  repository 2 https://${subnet}.22:9000, bucket ${incusProject}-offsite (stands in for one away from the site)`,
    `  monitoring   Prometheus ${urls.prometheus}, Alertmanager ${urls.alertmanager}`,
    `  metrics      http://${host.address}:9100/metrics`,
    `  Pulumi       ${toolchain.pulumi} (${toolchain.version}, ${toolchain.origin})${toolchain.standIns.length > 0 ? `; stand-ins for: ${toolchain.standIns.join(", ")}` : ""}`,
    "",
    ...repositories.flatMap((number) => drillLines(number, drills)),
    escrow
      ? `  escrow       ${escrowFile(world)}, of ${escrow.toISOString()}: from here on the backups count as safe`
      : "  escrow       NONE: no backup counts as safe before there is one (npm run escrow, docs/rebuild.md)",
    "",
    "  next",
    `    npm run --silent lab:outputs${option}`,
    `    ${run(incusProject, `${host.name} -- dr-drill.sh --help`)}`,
    `    ${run(monitorProject, `pgaf-monitor -- runuser -u postgres -- pg_autoctl show state --pgdata /var/lib/postgresql/${world.postgres.major}/pgaf/monitor`)}`,
    `    . .lab/${name}/env && pulumi preview -s lab${name === "lab" && subnet === "10.77.0" ? "" : ` --config-file .lab/${name}/Pulumi.lab.yaml`}`,
    `    npm run lab:down${option}`,
    "",
    `  time ${elapsedSeconds().toFixed(0)} s: ${durations.map(({ name: step, seconds }) => `${step} ${seconds.toFixed(1)}`).join(", ")}`,
    "  These backups are in the lab only; a production stack needs its own (README.md).",
  ].join("\n");
}

function drillLines(number: number, drills: DrillFigures[]): string[] {
  const drill = drills.find(({ repository }) => repository === number);
  if (!drill) return [`  restore drill of repository ${number}: none yet`];
  const { passed, ageSeconds, rows, restoreSeconds, durationSeconds, rpoSeconds } = drill;
  const rpo = Number.isNaN(rpoSeconds) ? "not measured" : `${rpoSeconds.toFixed(1)} s`;
  return [
    `  restore drill of repository ${number} ${passed ? "PASSED" : "DID NOT PASS"}, ${Math.round(ageSeconds / 60)} min ago: ${rows} rows`,
    `    RTO ${restoreSeconds.toFixed(1)} s (restore; the whole drill ${durationSeconds.toFixed(1)} s)   RPO ${rpo}`,
  ];
}
