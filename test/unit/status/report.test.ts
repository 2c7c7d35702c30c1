import { describe, expect, it } from "vitest";
import type { Sample } from "../../../status/prometheus.js";
import { type Answers, bytes, duration, report } from "../../../status/report.js";

const sample = (value: number, labels: Record<string, string> = {}): Sample => ({ labels, value });
const repo = { stanza: "main", repo: "1" };
const drillOf = (outcome: string) => [sample(1, { ...repo, outcome })];

const healthy: Answers = {
  alerts: [],
  rulesLoaded: [sample(1)],
  up: [sample(1, { instance: "pgaf-primary", job: "postgres" }), sample(1, { instance: "lab-host", job: "node" })],
  primaries: [sample(1)],
  formationAge: [sample(4)],
  state: [
    sample(1, { node: "pgaf-replica", reported: "secondary", assigned: "secondary" }),
    sample(1, { node: "pgaf-primary", reported: "primary", assigned: "primary" }),
  ],
  healthy: [sample(1, { node: "pgaf-primary" }), sample(1, { node: "pgaf-replica" })],
  stateAge: [sample(700, { node: "pgaf-primary" }), sample(710, { node: "pgaf-replica" })],
  syncStandbys: [sample(1)],
  replayLag: [sample(0, { standby: "pgaf-replica" })],
  readySegments: [sample(0)],
  walBytes: [sample(96 * 1024 * 1024)],
  reachable: [sample(1, repo)],
  walAge: [sample(41, repo)],
  backupAge: [sample(700, { ...repo, type: "full" })],
  backups: [sample(3, repo)],
  drillOutcome: drillOf("pass"),
  drillAge: [sample(650, repo)],
  rto: [sample(9.64, repo)],
  rtoBound: [sample(1800, repo)],
  rpo: [sample(12, repo)],
  escrowMade: [sample(new Date("2026-11-20T17:30:00Z").getTime() / 1000)],
  volume: [sample(0.07, { volume: "pgaf-primary-data" })],
};
const now = new Date("2026-11-21T17:30:00.123Z");
const of = (change: Partial<Answers>) => report({ ...healthy, ...change }, "http://10.77.0.30:9090", now);

describe("report", () => {
  it("shows a healthy formation", () => {
    const { text, verdict } = of({});
    expect(verdict).toBe("well");
    expect(text).toMatchInlineSnapshot(`
      "restorable, by http://10.77.0.30:9090, 2026-11-21 17:30:00 UTC

        alerts     none fires
        formation  1 primary, 1 synchronous
                     pgaf-primary     primary                  healthy     for 12 min
                     pgaf-replica     secondary                healthy     for 12 min  lag 0 B
        archiving  0 segments wait, pg_wal 96 MiB
        backups    main, repository 1: answers, newest WAL 41 s old, full 12 min old, no diff, 3 kept
        drills     main, repository 1: PASSED, last verdict 11 min ago, RTO 9.6 s (bound 30 min), RPO 12 s
        escrow     made 24 h ago
        volumes    pgaf-primary-data 7 %
        targets    2 of 2 up

      All is well."
    `);
  });

  const alert = (severity: string) => [
    sample(1, { alertname: "RepositoryUnreachable", severity, alertstate: "firing", ...repo }),
  ];
  it.each<[string, Partial<Answers>, RegExp]>([
    ["a firing alert", { alerts: alert("critical") }, /critical RepositoryUnreachable stanza=main repo=1/],
    ["no primary", { primaries: [sample(0)] }, /0 primaries/],
    ["two primaries", { primaries: [sample(2)] }, /2 primaries/],
    ["no synchronous standby", { syncStandbys: [sample(0)] }, /no synchronous standby/],
    ["an unhealthy node", { healthy: [sample(0, { node: "pgaf-replica" })] }, /pgaf-replica is unhealthy/],
    ["a repository that does not answer", { reachable: [sample(0, repo)] }, /repository 1 of main does not answer/],
    ["no escrow", { escrowMade: [sample(0)] }, /there is no escrow/],
    ["no full backup", { backupAge: [] }, /repository 1 of main has no full backup/],
    ["a failed drill", { drillOutcome: drillOf("fail") }, /the drill of repository 1 failed/],
    ["a target that is down", { up: [sample(0, { instance: "a", job: "node" })] }, /DOWN: a \(node\)/],
  ])("%s is wrong", (_, change, words) => {
    const { text, verdict } = of(change);
    expect(verdict).toBe("wrong");
    expect(text).toMatch(words);
    expect(text).toContain("\n\nWRONG: ");
  });

  it("an alert that only informs is shown and is not wrong", () => {
    const { text, verdict } = of({ alerts: alert("info") });
    expect(text).toContain("info     RepositoryUnreachable");
    expect(verdict).toBe("well");
  });

  it("shows each repository, and does not take one's drill for another's", () => {
    const second = { ...repo, repo: "2" };
    const both = {
      reachable: [sample(1, repo), sample(1, second)],
      walAge: [sample(41, repo), sample(44, second)],
      backupAge: [sample(700, { ...repo, type: "full" }), sample(720, { ...second, type: "full" })],
    };
    const { text, verdict } = of(both);
    expect(verdict).toBe("unknown");
    expect(text).toContain("main, repository 2: ? no drill is seen");
    expect(text).toContain("NOT KNOWN: drills of repository 2.");
    const drilled = [...drillOf("pass"), sample(1, { ...second, outcome: "pass" })];
    expect(of({ ...both, drillOutcome: drilled }).verdict).toBe("well");
  });

  it.each<[string, Partial<Answers>]>([
    ["rules", { rulesLoaded: [] }],
    ["the monitor's word", { formationAge: [] }],
    ["an old word of the monitor", { formationAge: [sample(500)] }],
    ["primaries", { primaries: [] }],
    ["synchronous standbys", { syncStandbys: [] }],
    ["repositories", { reachable: [] }],
    ["the newest WAL", { walAge: [] }],
    ["waiting segments", { readySegments: [] }],
    ["drills", { drillOutcome: [] }],
    ["a drill without a verdict", { drillOutcome: drillOf("unverified") }],
    ["volumes", { volume: [] }],
    ["targets", { up: [] }],
  ])("without %s it does not say that all is well", (_, change) => {
    const { text, verdict } = of(change);
    expect(verdict).toBe("unknown");
    expect(text).toContain("NOT KNOWN: ");
  });
});

describe("units", () => {
  it.each([
    [0, "0.0 s"],
    [9.64, "9.6 s"],
    [59, "59 s"],
    [61, "1 min"],
    [7200, "2 h"],
    [691200, "8 d"],
    [undefined, "?"],
  ])("%s seconds: %s", (seconds, text) => expect(duration(seconds)).toBe(text));
  it.each([
    [0, "0 B"],
    [1536, "1.5 KiB"],
    [96 * 1024 * 1024, "96 MiB"],
    [undefined, "?"],
  ])("%s bytes: %s", (number, text) => expect(bytes(number)).toBe(text));
});
