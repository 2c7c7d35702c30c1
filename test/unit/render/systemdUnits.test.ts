import { describe, expect, it } from "vitest";
import { monitorCopyUnits } from "../../../render/monitorCopyUnits.js";
import { renderUnit } from "../../../render/systemdUnit.js";
import {
  afterFailoverUnits,
  backupUnits,
  drillUnits,
  heartbeatUnits,
  pgAutoctlUnit,
  pitrDrillUnits,
  unitsToEnable,
} from "../../../render/systemdUnits.js";

const weekly = { onCalendar: "Sun *-*-* 02:00:00 UTC", randomizedDelaySeconds: 300 };

const units = {
  "pgbackrest-full": backupUnits({ repository: 1, type: "full", ...weekly }),
  "pgbackrest-diff": backupUnits({ repository: 1, type: "diff", ...weekly, onCalendar: "Mon..Sat *-*-* 02:00:00 UTC" }),
  "pgbackrest-full-repo2": backupUnits({
    repository: 2,
    type: "full",
    ...weekly,
    onCalendar: "Wed *-*-* 03:00:00 UTC",
  }),
  "restorable-heartbeat": heartbeatUnits(),
  "restorable-monitor-copy": monitorCopyUnits(),
  "restorable-after-failover": afterFailoverUnits("/var/lib/node_exporter/textfile_collector"),
  "pgbackrest-drill": drillUnits({ ...weekly, onCalendar: "Sun *-*-* 04:00:00 UTC", repository: 1 }),
  "pgbackrest-drill-pitr": pitrDrillUnits({ ...weekly, onCalendar: "Fri *-*-* 04:00:00 UTC", repositories: 2 }),
  "pgbackrest-drill-repo2": drillUnits({ ...weekly, onCalendar: "Wed *-*-* 05:00:00 UTC", repository: 2 }),
  pg_autoctl: pgAutoctlUnit({
    major: 17,
    dataDir: "/var/lib/postgresql/17/pgaf/node",
    before: "/usr/local/lib/restorable/node/push-ready.sh",
  }),
};

describe("unit files", () => {
  it.each(Object.entries(units))("V7, H5: %s is rendered as agreed", async (_name, files) => {
    for (const [path, content] of Object.entries(files)) {
      expect(path).toMatch(/^\/etc\/systemd\/system\/[\w-]+\.(service|timer)$/);
      await expect(content).toMatchFileSnapshot(`golden/${path.split("/").at(-1)}`);
    }
  });

  it("V7: every scheduled job is persistent, delayed at random, and in UTC", () => {
    for (const name of [
      "pgbackrest-full",
      "pgbackrest-diff",
      "pgbackrest-full-repo2",
      "pgbackrest-drill",
      "pgbackrest-drill-repo2",
    ] as const) {
      const timer = units[name][`/etc/systemd/system/${name}.timer`];
      expect(timer).toMatch(/^Persistent=yes$/m);
      expect(timer).toMatch(/^RandomizedDelaySec=300s$/m);
      expect(timer).toMatch(/^OnCalendar=.* UTC$/m);
    }
  });

  it("V7: backups run as postgres, the drill as root", () => {
    expect(units["pgbackrest-full"]["/etc/systemd/system/pgbackrest-full.service"]).toMatch(/^User=postgres$/m);
    expect(units["pgbackrest-drill"]["/etc/systemd/system/pgbackrest-drill.service"]).toMatch(/^User=root$/m);
  });

  it("enables timers, not the services that they start", () => {
    expect(unitsToEnable(units["pgbackrest-full"])).toEqual(["pgbackrest-full.timer"]);
    expect(unitsToEnable(units.pg_autoctl)).toEqual(["pg_autoctl.service"]);
  });

  it("P4: drills each repository by itself, and waits for another drill as long as that may take", () => {
    const files = drillUnits({ ...weekly, repository: 2, timeLimitSeconds: 600 });
    const service = files["/etc/systemd/system/pgbackrest-drill-repo2.service"];
    expect(service).toMatch(/^ExecStart=.*dr-drill[.]sh --repo 2$/m);
    expect(service).toMatch(/^Environment=LOCK_WAIT_SECONDS=900$/m);
    expect(service).toMatch(/^TimeoutStartSec=1800s$/m);
  });

  it("X5: the drill to a random moment has time for each repository, and for another drill before", () => {
    const service = units["pgbackrest-drill-pitr"]["/etc/systemd/system/pgbackrest-drill-pitr.service"];
    expect(service).toMatch(/^ExecStart=.*dr-drill[.]sh --target-time random$/m);
    expect(service).toMatch(/^TimeoutStartSec=11700s$/m);
  });

  it("refuses a calendar expression in local time", () => {
    expect(() => backupUnits({ repository: 1, type: "full", ...weekly, onCalendar: "Sun *-*-* 02:00:00" })).toThrow(
      'end in " UTC"',
    );
  });
});

describe("renderUnit", () => {
  it("keeps repeated keys, in order", () => {
    const entries = [
      ["Environment", "A=1"],
      ["Environment", "B=2"],
      ["NoNewPrivileges", true],
    ] as const;
    expect(renderUnit([{ name: "Service", entries }])).toBe(
      "[Service]\nEnvironment=A=1\nEnvironment=B=2\nNoNewPrivileges=yes\n",
    );
  });

  it.each([
    ["a second line", "a\nExecStart=/bin/x", "ExecStart: the value holds a control character"],
    ["a line continued", "a\\", "ends in a backslash"],
    ["a trailing blank", "a ", "begins or ends with a blank"],
  ])("refuses a value with %s", (_name, value, message) => {
    expect(() => renderUnit([{ name: "Service", entries: [["ExecStart", value]] }])).toThrow(message);
  });

  it("refuses a key or a section name that is none", () => {
    expect(() => renderUnit([{ name: "Service", entries: [["Exec Start", "a"]] }])).toThrow('"Exec Start"');
    expect(() => renderUnit([{ name: "a]\n[b", entries: [] }])).toThrow("section name");
  });

  it("takes % in a data directory literally", () => {
    const unit = pgAutoctlUnit({ major: 17, dataDir: "/data/50%" })["/etc/systemd/system/pg_autoctl.service"];
    expect(unit).toContain("ExecStart=/usr/bin/pg_autoctl run --pgdata /data/50%%\n");
  });
});
