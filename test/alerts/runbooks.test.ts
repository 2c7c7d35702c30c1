import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { renderAlertRules, runbookName } from "../../render/alertRules.js";
import { args } from "./args.js";

const root = join(import.meta.dirname, "..", "..");
const page = (name: string) => readFile(join(root, "runbooks", `${name}.md`), "utf8");
const { groups } = parse(renderAlertRules(args)) as { groups: { rules: { alert: string }[] }[] };
const alerts = [...new Set(groups.flatMap((group) => group.rules.map((rule) => rule.alert)))];

describe("runbooks", () => {
  it("has one page per alert and no other page", async () => {
    const expected = alerts.map((alert) => `${runbookName(alert)}.md`).sort();
    expect((await readdir(join(root, "runbooks"))).sort()).toEqual(expected);
  });

  it.each(alerts)("%s: says what it means, what to do and when it is over", async (alert) => {
    const lines = (await page(runbookName(alert))).split("\n");
    expect(lines[0]).toBe(`# ${alert}`);
    const headings = lines.filter((line) => line.startsWith("## ")).map((line) => line.slice(3));
    expect(headings).toEqual(["Meaning", "Impact", "First look", "Likely causes", "Repair", "Over when"]);
    expect(lines.length).toBeLessThan(60);
  });

  it("has every alert in the overview", async () => {
    const overview = await readFile(join(root, "docs", "alerts.md"), "utf8");
    for (const alert of alerts) expect(overview).toContain(`[${alert}](../runbooks/${runbookName(alert)}.md)`);
  });
});

describe("reasons of the drill", () => {
  it.each([
    ["fail", "backup-restore-drill-failed"],
    ["unverified", "backup-restore-drill-unverified"],
  ])("each that comes with %s has its row in %s, and no other has", async (outcome, name) => {
    const rows = (await page(name)).split("\n").filter((line) => line.startsWith("| `"));
    const explained = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`(\w+)`/g)].map((m) => m[1]));
    expect(explained.sort()).toEqual(await reasons(outcome));
  });
});

/** Reasons that the drill's scripts give together with an outcome. */
async function reasons(outcome: string): Promise<string[]> {
  const parts = await readdir(join(root, "scripts", "drill"));
  const files = ["dr-drill.sh", ...parts.map((part) => join("drill", part))];
  const texts = await Promise.all(files.map((file) => readFile(join(root, "scripts", file), "utf8")));
  const given = new RegExp(`(?:verdict |echo "|OUTCOME=)${outcome} (?:REASON=)?([a-z_]+)`, "g");
  const found = texts.flatMap((text) => [...text.matchAll(given)].map((match) => match[1] ?? ""));
  return [...new Set(found)].sort();
}
