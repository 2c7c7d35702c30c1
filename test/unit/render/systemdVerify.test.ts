import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import { immutabilityUnits } from "../../../render/immutabilityUnits.js";
import {
  backupMetricsUnits,
  formationMetricsUnits,
  hostMetricsUnits,
  nodeExporterUnit,
  postgresExporterUnit,
} from "../../../render/metricsUnits.js";
import { monitorCopyUnits } from "../../../render/monitorCopyUnits.js";
import {
  afterFailoverUnits,
  backupUnits,
  drillUnits,
  heartbeatUnits,
  pgAutoctlUnit,
} from "../../../render/systemdUnits.js";

const schedule = { onCalendar: "Mon..Sat *-*-* 02:00:00 UTC", randomizedDelaySeconds: 300 };
const shipped = {
  ...backupUnits({ repository: 1, type: "full", ...schedule }),
  ...backupUnits({ repository: 2, type: "diff", ...schedule }),
  ...heartbeatUnits(),
  ...monitorCopyUnits(),
  ...afterFailoverUnits("/var/lib/node_exporter/textfile_collector"),
  ...drillUnits({ ...schedule, repository: 1 }),
  ...drillUnits({ ...schedule, repository: 2 }),
  ...pgAutoctlUnit({ major: 17, dataDir: "/var/lib/postgresql/17/pgaf/node", before: "/usr/local/lib/x" }),
  ...nodeExporterUnit({ address: "10.1.1.12", directory: "/var/lib/node_exporter/textfile_collector" }),
  ...postgresExporterUnit({ address: "10.1.1.12", database: "app" }),
  ...backupMetricsUnits(),
  ...formationMetricsUnits(),
  ...hostMetricsUnits(),
  ...immutabilityUnits(300),
};

const directories: string[] = [];
afterEach(async () => {
  await Promise.all(directories.splice(0).map((directory) => rm(directory, { recursive: true })));
});

/**
 * What systemd says about these units. That a program is missing is left out: the programs stand in the containers,
 * not where the tests run.
 */
async function complaints(files: Record<string, string>): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "units-"));
  directories.push(directory);
  const paths = await Promise.all(
    Object.entries(files).map(async ([path, content]) => {
      const copy = join(directory, basename(path));
      await writeFile(copy, content);
      return copy;
    }),
  );
  const { all } = await execa("systemd-analyze", ["verify", "--man=no", ...paths], { all: true, reject: false });
  return all
    .split("\n")
    .filter((line) => paths.some((path) => line.includes(basename(path))))
    .filter((line) => !/Command \S+ is not executable: No such file/.test(line));
}

describe("systemd-analyze verify", () => {
  it("accepts every unit", async () => {
    expect(await complaints(shipped)).toEqual([]);
  });

  it("would notice an unknown key", async () => {
    expect(await complaints({ "/x/bad.service": "[Service]\nExecStart=/bin/true\nRestartSecs=1\n" })).toEqual([
      expect.stringContaining("RestartSecs"),
    ]);
  });

  it("would notice a calendar expression that is none", async () => {
    const timer = "[Timer]\nOnCalendar=Someday 02:00 UTC\n";
    const service = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    expect(await complaints({ "/x/bad.timer": timer, "/x/bad.service": service })).not.toEqual([]);
  });
});
