import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { planDumps } from "../../../planDumps.js";
import { type DumpArgs, dumpCron, dumpEnv, dumpMetricsFile, dumpPrograms, dumpUnits } from "../../../render/dumps.js";
import { joinUnits } from "../../../render/systemdUnit.js";
import { parsePlainSettings } from "../../../settings/parse.js";
import { hostKey, smallest } from "../settings/fixture.js";

const golden = (name: string) => join(import.meta.dirname, "golden", name);
const planned = (dumps: object) =>
  planDumps(
    parsePlainSettings({
      ...smallest(),
      dumps: { hosts: [{ name: "docker-1", address: "10.1.0.60", hostKey }], ...dumps },
    }),
  );
const jobs = ["postgres", "gitea", "k3s_pvc"].map((kind) => ({ kind, host: "docker-1" }));

describe("dumps", () => {
  it("settings, cron and units of each kind", async () => {
    const text = [...planned({ jobs }), ...planned({ jobs, scheduler: "timer", time: "23:05", upload: true })]
      .map(({ dump, cron, units }) => `== ${dump.directory}/dump.env\n${dumpEnv(dump)}== schedule\n${cron}${units}\n`)
      .join("");
    await expect(text).toMatchFileSnapshot(golden("dumps.txt"));
  });

  it("are none without the setting", () => {
    expect(planDumps(parsePlainSettings(smallest() as Record<string, unknown>))).toEqual([]);
  });

  it("copies go to the off-site bucket's folder of host and kind, with what they need on the host", () => {
    const [one] = planned({ jobs, upload: true });
    expect(one?.dump.uploadRoot).toBe("exports:offsite/dumps/docker-1/postgres");
    expect(one?.upload).toMatchObject({ ownCa: false, recipients: [] });
    expect(dumpPrograms(one?.dump as DumpArgs)).toEqual(["docker", "age", "rclone"]);
    expect(planned({ jobs }).map(({ upload }) => upload)).toEqual([undefined, undefined, undefined]);
  });

  it("what a person set is taken", () => {
    const [postgres, k3s] = planned({
      jobs: [
        { kind: "postgres", host: "docker-1", container: "pg_1", user: "root", directory: "/srv/dump" },
        { kind: "k3s_pvc", host: "host-a", fallbackDirectory: "/srv/volumes", kubeconfig: "/root/kubeconfig" },
      ],
    }).map(({ dump }) => dump);
    expect(postgres).toMatchObject({ container: "pg_1", user: "root", directory: "/srv/dump" });
    expect(dumpEnv(k3s as DumpArgs)).toContain("KUBECONFIG='/root/kubeconfig'\nCOPY_DIRECTORY='/srv/volumes'\n");
    expect(dumpMetricsFile(k3s as DumpArgs)).toBe("/var/lib/node_exporter/textfile_collector/veza_dump_k3s_pvc.prom");
  });

  it("the time, as each scheduler wants it", () => {
    const [one] = planned({ jobs });
    expect(dumpCron(one?.dump as DumpArgs, "04:05")).toContain("\n5 4 * * * root /opt/postgres_dump/backup.sh ");
    expect(joinUnits(dumpUnits(one?.dump as DumpArgs, "04:05"))).toContain("OnCalendar=*-*-* 04:05:00\n");
  });
});
