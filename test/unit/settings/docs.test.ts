import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { defaultThresholds } from "../../../render/alertRules.js";
import { projectRoot } from "../../../settings/files.js";
import { isPlaceholderSecret } from "../../../settings/placeholders.js";
import { keysAt, rows, settingsTable } from "../../../settings/table.js";
import { parseSettings } from "../../../settings.js";
import { goodSecrets, smallest } from "./fixture.js";

const path = join(projectRoot, "docs/settings.md");
const text = readFileSync(path, "utf8");

it("lists every key with its type, default and meaning (renew with vitest -u)", async () => {
  const renewed = text.replace(
    /(?<=<!-- tables: begin -->\n)[\s\S]*(?=<!-- tables: end -->)/,
    () => `\n${settingsTable()}\n\n`,
  );
  await expect(renewed).toMatchFileSnapshot(path);
});

it("has a meaning for every key", () => {
  expect(rows().filter(({ meaning }) => !/[.]$/.test(meaning))).toEqual([]);
});

it("gives examples of secrets that are refused as such", () => {
  const examples = [...text.matchAll(/^ {2}restorable:(?:repo1\w+|\w+Password): (.+)$/gm)].map(
    ([, value]) => value ?? "",
  );
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.filter((value) => !isPlaceholderSecret(value))).toEqual([]);
});

it("lets every threshold of the alert rules be set, and sets none itself", () => {
  const { rulesPath, runbookUrlPattern, drillStaleSeconds, timeScale, ...thresholds } = parseSettings(
    smallest(),
    goodSecrets,
  ).alerts;
  expect(thresholds).toEqual({});
  const known = keysAt(["alerts"]).filter(
    (key) => !["rulesPath", "runbookUrlPattern", "drillStaleSeconds", "timeScale"].includes(key),
  );
  expect(known.sort()).toEqual(Object.keys(defaultThresholds).sort());
  expect([rulesPath, runbookUrlPattern, drillStaleSeconds, timeScale]).not.toContain(undefined);
});
