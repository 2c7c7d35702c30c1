import { describe, expect, it } from "vitest";
import { plan } from "../../plan.js";
import { parsePlainSettings } from "../../settings/parse.js";
import { readStackFile } from "../../settings/stackFile.js";

type Raw = Record<string, Record<string, unknown>>;

function planned(stack: string, change: (raw: Raw) => void = () => {}) {
  const { raw } = readStackFile(stack);
  change(raw as Raw);
  return plan(parsePlainSettings(raw, { stack }));
}

describe("plan", () => {
  it("trusts the lab's own authority for its store, and the system's for any other", () => {
    expect(planned("lab").backup.repositories).toMatchObject([
      { number: 1, caFile: "/etc/pgbackrest/store-ca.crt" },
      { number: 2, caFile: "/etc/pgbackrest/store-ca.crt" },
    ]);
    for (const repository of planned("prod").backup.repositories) expect(repository).not.toHaveProperty("caFile");
  });

  it("renders the drill from the same stanza, version and repositories as the backups", () => {
    const { backup, drillEnv, drillUnits, alertRules } = planned("prod", (raw) => {
      Object.assign(raw.backup ?? {}, { stanza: "orders" });
      raw.postgres = { major: 15 };
    });
    expect(backup).toMatchObject({ stanza: "orders", major: 15 });
    expect(drillEnv).toMatchObject({
      stanza: "orders",
      major: 15,
      pgPath: "/var/lib/postgresql/15/pgaf/node",
      image: expect.stringMatching(/^restorable-pg15-[0-9a-f]{8}$/),
      repositories: [1, 2],
    });
    expect(drillUnits).toMatchObject([{ repository: 1 }, { repository: 2 }]);
    expect(alertRules.expectedDrills).toEqual([
      { stanza: "orders", repository: 1 },
      { stanza: "orders", repository: 2 },
    ]);
  });

  it("gives each repository timers of its own, the drill's apart from those of the backups", () => {
    const { backupTimers, drillUnits } = planned("lab", (raw) => {
      Object.assign(raw.backup ?? {}, { timers: { drill: "Mon *-*-* 05:00:00 UTC", randomizedDelaySeconds: 7 } });
      Object.assign(raw.offsite ?? {}, { timers: { drill: "Thu *-*-* 05:00:00 UTC" } });
    });
    expect(backupTimers).toEqual({
      randomizedDelaySeconds: 7,
      repositories: [
        { number: 1, full: "Sun *-*-* 02:00:00 UTC", diff: "Mon..Sat *-*-* 02:00:00 UTC" },
        { number: 2, full: "Wed *-*-* 03:00:00 UTC", diff: "Mon,Tue,Thu..Sun *-*-* 03:00:00 UTC" },
      ],
    });
    expect(drillUnits).toMatchObject([
      { repository: 1, onCalendar: "Mon *-*-* 05:00:00 UTC", randomizedDelaySeconds: 7 },
      { repository: 2, onCalendar: "Thu *-*-* 05:00:00 UTC", randomizedDelaySeconds: 7 },
    ]);
  });

  it("hands over the alert thresholds that are set, and no other", () => {
    expect(planned("lab").alertRules.thresholds).toEqual({});
    const { alertRules } = planned("lab", (raw) => {
      raw.alerts = { errorRatio: 0.1, drillStaleSeconds: 7200, drillAbsentForSeconds: 60 };
    });
    expect(alertRules.thresholds).toEqual({ errorRatio: 0.1, drillAbsentForSeconds: 60 });
    expect(alertRules.drillStaleSeconds).toBe(7200);
  });

  it("expects metrics of every node, host and repository, by the names that they carry", () => {
    const { expected, timeScale } = planned("prod").alertRules;
    expect(timeScale).toBe(1);
    expect(expected).toMatchObject({
      stanza: "main",
      repositories: [1, 2],
      monitor: { name: "pgaf-monitor", host: "host-b", volume: "pgaf-monitor-data" },
      drillHost: "host-b",
      archiveTimeoutSeconds: 60,
    });
    expect(expected.dataNodes).toEqual([
      { name: "pgaf-primary", host: "host-a", volume: "pgaf-primary-data", volumeBytes: 107374182400 },
      { name: "pgaf-replica", host: "host-b", volume: "pgaf-replica-data", volumeBytes: 107374182400 },
      { name: "pgaf-replica-2", host: "host-b", volume: "pgaf-replica-2-data", volumeBytes: 107374182400 },
    ]);
  });
});
