import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type AlertRulesArgs, renderAlertRules, runbookName } from "../../../render/alertRules.js";
import { prometheusDuration } from "../../../render/alerts/types.js";
import { args as stack } from "../../alerts/args.js";

const args: AlertRulesArgs = { ...stack, expectedDrills: [{ stanza: "main", repository: 1 }] };

const own = [
  "archiving",
  "repositories",
  "immutability",
  "exports",
  "dumps",
  "cluster",
  "escrow",
  "coverage",
  "formation",
  "postgres",
  "hosts",
  "metrics",
].map((it) => `restorable_${it}`);

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

function render(change: Partial<AlertRulesArgs> = {}): { name: string; rules: Rule[] }[] {
  const file = parse(renderAlertRules({ ...args, ...change })) as { groups: { name: string; rules: Rule[] }[] };
  return file.groups;
}

function rules(change: Partial<AlertRulesArgs> = {}): Rule[] {
  return render(change).flatMap((group) => group.rules);
}

describe("renderAlertRules", () => {
  it("renders the defaults as in the golden file", async () => {
    const golden = join(import.meta.dirname, "golden", "alertRules.yml");
    await expect(renderAlertRules(args)).toMatchFileSnapshot(golden);
  });

  it("renders the expressions, durations and severities of V10 and V11 by default", () => {
    const table = rules().map((rule) => [rule.alert, rule.expr, rule.for, rule.labels.severity]);
    expect(table).toEqual(
      expect.arrayContaining([
        ["ServiceDown", "up == 0", "30s", "critical"],
        [
          "HighErrorRate",
          'rate(http_requests_total{status=~"5.."}[5m]) / rate(http_requests_total[5m]) > 0.05',
          "5m",
          "warning",
        ],
        [
          "HighLatencyP99",
          "histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[5m])) > 2",
          "5m",
          "warning",
        ],
        ["RedisUnreachable", "redis_up == 0", "30s", "critical"],
        ["BackupRestoreDrillFailed", "veza_backup_drill_last_success == 0", "5m", "critical"],
        ["BackupRestoreDrillStale", "time() - veza_backup_drill_last_run_timestamp_seconds > 691200", "1h", "warning"],
      ]),
    );
    expect(render().map((group) => group.name)).toEqual(["veza_critical", "veza_backup", ...own]);
  });

  it("puts prefix and thresholds where they belong, and nothing of the defaults remains", () => {
    const change = {
      prefix: "acme",
      drillStaleSeconds: 90000,
      thresholds: {
        fullBackupStaleSeconds: 700000,
        immutabilityStaleSeconds: 700000,
        rateWindowSeconds: 600,
        errorRatio: 0.01,
        latencyP99Seconds: 0.5,
        drillFailedForSeconds: 90,
      },
    };
    const text = renderAlertRules({ ...args, ...change });
    expect(text).not.toMatch(/veza_|\[5m\]|691200|8d/);
    expect(render(change).map((group) => group.name)).toEqual(["acme_critical", "acme_backup", ...own]);
    const byName = new Map(rules(change).map((rule) => [rule.alert, rule]));
    expect(byName.get("HighErrorRate")?.expr).toBe(
      'rate(http_requests_total{status=~"5.."}[10m]) / rate(http_requests_total[10m]) > 0.01',
    );
    expect(byName.get("HighLatencyP99")?.expr).toMatch(/> 0\.5$/);
    expect(byName.get("BackupRestoreDrillFailed")).toMatchObject({
      expr: "acme_backup_drill_last_success == 0",
      for: "90s",
    });
    expect(byName.get("BackupRestoreDrillStale")?.expr).toBe(
      "time() - acme_backup_drill_last_run_timestamp_seconds > 90000",
    );
    expect(byName.get("BackupRestoreDrillStale")?.annotations.description).toContain("(limit 25h)");
  });

  it("watches each expected drill by stanza and repository", () => {
    const expectedDrills = [
      { stanza: "main", repository: 1 },
      { stanza: "main", repository: 2 },
      { stanza: "billing", repository: 1 },
    ];
    const absent = rules({ expectedDrills }).filter((rule) => rule.alert === "BackupRestoreDrillAbsent");
    expect(absent.map((rule) => [rule.labels.stanza, rule.labels.repo])).toEqual([
      ["main", "1"],
      ["main", "2"],
      ["billing", "1"],
    ]);
    expect(absent[2]?.expr).toBe(
      'absent(veza_backup_drill_last_success{stanza="billing",repo="1"})' +
        ' or absent(veza_backup_drill_last_run_timestamp_seconds{stanza="billing",repo="1"})',
    );
  });

  it("pages for what can hide a broken backup, and for nothing else that is no critical alert", () => {
    const paging = new Set(rules().flatMap((rule) => (rule.labels.page === "true" ? [rule.alert] : [])));
    expect([...paging]).toEqual([
      "BackupRestoreDrillFailed",
      "BackupRestoreDrillStale",
      "BackupRestoreDrillAbsent",
      "FullBackupStale",
      "DiffBackupStale",
      "RepositorySuspended",
      "PitrDrillFailed",
      "PitrDrillStale",
      "ImmutabilityProbeStale",
      "ExportFailed",
      "ExportStale",
      "ExportDrillFailed",
      "ExportDrillStale",
      "DumpFailed",
      "DumpStale",
      "ClusterDumpFailed",
      "ClusterDumpStale",
      "ClusterBackupVerifyFailed",
      "ClusterBackupUnverified",
      "ClusterDrillFailed",
      "ClusterDrillStale",
      "EscrowMissing",
      "CoverageMissing",
      "CoverageStale",
      "TimerInactive",
      "TextfileScrapeError",
      "MetricsStale",
      "MetricsAbsent",
    ]);
  });

  it("gives every alert a static summary, a description and its page from the one pattern", () => {
    for (const rule of rules({ runbookUrlPattern: "https://runbooks.test/{alert}.html" })) {
      expect(rule.annotations.summary).not.toContain("{{");
      // A label that only the rule has is empty in its own text: then its value stands there.
      const named = Object.values(rule.labels).some((value) => rule.annotations.description?.includes(value));
      expect(named || rule.annotations.description?.includes("{{ $labels.")).toBe(true);
      expect(rule.annotations.runbook_url).toBe(`https://runbooks.test/${runbookName(rule.alert)}.html`);
    }
  });

  it("says in every drill alert how to look", () => {
    for (const rule of render()[1]?.rules ?? []) {
      expect(rule.annotations.description).toContain("journalctl -u 'pgbackrest-drill*.service'");
      expect(rule.annotations.description).toContain("systemctl list-timers 'pgbackrest-drill*'");
      expect(rule.annotations.description).toContain("--repo {{ $labels.repo }} --keep");
    }
  });

  it.each<[string, Partial<AlertRulesArgs>, RegExp]>([
    ["a prefix that is no metric name", { prefix: "veza-prod" }, /prefix "veza-prod"/],
    ["a pattern without {alert}", { runbookUrlPattern: "https://x.test/" }, /runbookUrlPattern .*\{alert\}/],
    ["a limit of zero", { drillStaleSeconds: 0 }, /drillStaleSeconds 0/],
    ["a threshold that is no number", { thresholds: { errorRatio: Number.NaN } }, /errorRatio NaN/],
    ["a duration with a fraction", { thresholds: { drillFailedForSeconds: 1.5 } }, /drillFailedForSeconds 1.5/],
    ["a time scale of zero", { timeScale: 0 }, /timeScale 0/],
    [
      "steps in the wrong order",
      { thresholds: { dataVolumeRatio: 0.96 } },
      /dataVolumeFullRatio 0.95: more than dataVolumeRatio/,
    ],
    ["a stack without data nodes", { expected: { ...stack.expected, dataNodes: [] } }, /expected\.dataNodes/],
    ["a drill named twice", { expectedDrills: [...args.expectedDrills, ...args.expectedDrills] }, /main\/1/],
  ])("refuses %s", (_, change, message) => {
    expect(() => renderAlertRules({ ...args, ...change })).toThrow(message);
  });
});

describe("timeScale", () => {
  const scaled = (timeScale: number) => new Map(rules({ timeScale }).map((rule) => [rule.alert, rule]));

  it("of 1 changes nothing", () => {
    expect(renderAlertRules({ ...args, timeScale: 1 })).toBe(renderAlertRules(args));
  });

  it("shortens durations and ages, and no share or rate", () => {
    const quick = scaled(0.1);
    expect(quick.get("BackupRestoreDrillFailed")).toMatchObject({ for: "30s" });
    expect(quick.get("BackupRestoreDrillStale")?.expr).toMatch(/> 69120$/);
    expect(quick.get("FullBackupStale")?.expr).toContain("> 69120 or");
    expect(quick.get("HighErrorRate")).toMatchObject({ for: "30s", expr: expect.stringContaining("[5m]") });
    expect(quick.get("HighLatencyP99")?.expr).toMatch(/> 2$/);
    expect(quick.get("CertificateExpiring")?.expr).toMatch(/< 604800$/);
  });

  it("leaves whole seconds of one or more, and ages that a healthy stack stays below", () => {
    const quick = scaled(0.0001);
    expect([...quick.values()].filter((rule) => !/^(?:[1-9]\d*[smhd]|0s)$/.test(rule.for))).toEqual([]);
    expect(quick.get("ServiceDown")).toMatchObject({ for: "1s" });
    expect(quick.get("RpoBoundBroken")?.expr).toContain("> 210 ");
    expect(quick.get("MonitorDown")?.expr).toContain("> 45 or");
  });

  it("raises no bound that is set below that age", () => {
    const low = rules({ timeScale: 0.5, thresholds: { formationAgeSeconds: 40 } });
    expect(low.find((rule) => rule.alert === "MonitorDown")?.expr).toContain("> 40 or");
  });
});

describe("runbookName", () => {
  it.each([
    ["ServiceDown", "service-down"],
    ["HighLatencyP99", "high-latency-p99"],
    ["BackupRestoreDrillFailed", "backup-restore-drill-failed"],
  ])("%s -> %s", (alert, page) => {
    expect(runbookName(alert)).toBe(page);
  });
});

describe("prometheusDuration", () => {
  it.each([
    [30, "30s"],
    [90, "90s"],
    [300, "5m"],
    [3600, "1h"],
    [691200, "8d"],
  ])("%d seconds -> %s", (seconds, duration) => {
    expect(prometheusDuration(seconds)).toBe(duration);
  });
});
