import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { renderAlertRules, runbookName } from "../../render/alertRules.js";
import { args } from "./args.js";
import { promtool } from "./promtool.js";

const suites = join(import.meta.dirname, "promtool");
const files = await readdir(suites);
interface RuleFile {
  groups: { name: string; rules: { alert: string }[] }[];
}
interface Suite {
  tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "restorable-alerts-"));
  const text = renderAlertRules(args);
  await writeFile(join(directory, "rules.yml"), text);
  const rules = parse(text) as RuleFile;
  // Each suite beside the rules of its own alert: promtool evaluates all that it is given, at every step.
  for (const file of files) {
    const folder = join(directory, file);
    await cp(join(suites, file), join(folder, file));
    await writeFile(join(folder, "rules.yml"), stringify(onlyOf(rules, file)));
  }
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

function onlyOf({ groups }: RuleFile, suite: string): RuleFile {
  const kept = groups.map(({ name, rules }) => ({
    name,
    rules: rules.filter(({ alert }) => `${runbookName(alert)}.yml` === suite),
  }));
  return { groups: kept.filter(({ rules }) => rules.length > 0) };
}

describe("promtool check rules", () => {
  it("accepts the defaults without a warning", async () => {
    const said = await promtool(directory, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml");
    expect(said).toContain("SUCCESS: 81 rules found");
  });

  it("accepts another prefix, other thresholds and a stanza that needs quoting", async () => {
    const other = renderAlertRules({
      ...args,
      prefix: "acme_db",
      expectedDrills: [{ stanza: 'a"b\\c', repository: 4 }],
      expected: { ...args.expected, stanza: 'a"b\\c' },
      timeScale: 0.01,
      thresholds: { errorRatio: 1e-7, latencyP99Seconds: 0.25, rateWindowSeconds: 90 },
    });
    await writeFile(join(directory, "other.yml"), other);
    await promtool(directory, "check", "rules", "--lint=all", "--lint-fatal", "other.yml");
  });
});

describe("promtool test rules", () => {
  it.each(files)("%s", { timeout: 60_000 }, async (file) => {
    await promtool(join(directory, file), "test", "rules", file);
  });

  it("has a suite for every alert that sees it fire and sees it silent", { timeout: 60_000 }, async () => {
    const { groups } = parse(renderAlertRules(args)) as RuleFile;
    const alerts = [...new Set(groups.flatMap((group) => group.rules.map((rule) => rule.alert)))];
    expect([...files].sort()).toEqual(alerts.map((alert) => `${runbookName(alert)}.yml`).sort());
    for (const alert of alerts) {
      const suite = parse(await readFile(join(suites, `${runbookName(alert)}.yml`), "utf8")) as Suite;
      const checks = suite.tests.flatMap((test) => test.alert_rule_test);
      expect(checks.every((check) => check.alertname === alert)).toBe(true);
      expect(checks.some((check) => check.exp_alerts.length > 0)).toBe(true);
      if (alert === "DeadMansSwitch") continue;
      expect(checks.some((check) => check.exp_alerts.length === 0)).toBe(true);
    }
  });
});
