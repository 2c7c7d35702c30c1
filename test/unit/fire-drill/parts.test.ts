import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { choose } from "../../../fire-drill/fireDrill.js";
import { Journal } from "../../../fire-drill/journal.js";
import { runbookProblem } from "../../../fire-drill/lab.js";
import { listen, parseWebhook } from "../../../fire-drill/receiver.js";
import type { Scenario } from "../../../fire-drill/scenario.js";
import { notDrilled, scenarios } from "../../../fire-drill/scenarios.js";
import { schedule } from "../../../fire-drill/schedule.js";
import { drillSettings } from "../../../fire-drill/settings.js";
import { fill } from "../../../fire-drill/surroundings.js";
import { plan } from "../../../plan.js";
import { renderAlertRules } from "../../../render/alertRules.js";
import { parsePlainSettings } from "../../../settings/parse.js";
import { readStackFile } from "../../../settings/stackFile.js";
import { scenario } from "./fake.js";

const folder = mkdtempSync(join(tmpdir(), "fire-drill-"));
afterEach(() => rmSync(join(folder, "journal.json"), { force: true }));

describe("receiver", () => {
  const alert = { status: "firing", labels: { alertname: "Dead" }, annotations: { a: "b" }, fingerprint: "f" };

  it("keeps what Alertmanager posts, by receiver", async () => {
    const receiver = await listen("127.0.0.1", () => 7);
    try {
      const post = (url: string, body: string) => fetch(url, { method: "POST", body }).then(({ status }) => status);
      expect(await post(receiver.url("pager"), JSON.stringify({ alerts: [alert] }))).toBe(200);
      expect(await post(receiver.url("ticket"), "no JSON")).toBe(400);
      expect(await post(`${receiver.url("pager")}/more`, JSON.stringify({ alerts: [alert] }))).toBe(400);
      expect((await fetch(receiver.url("pager"))).status).toBe(400);
      expect(receiver.deliveries).toEqual([{ ...alert, receiver: "pager", at: 7 }]);
    } finally {
      await receiver.close();
    }
  });

  it("takes nothing that is no notification", () => {
    expect(parseWebhook("{}", "pager", 0)).toBeUndefined();
    expect(parseWebhook(JSON.stringify({ alerts: [{ ...alert, status: "new" }] }), "pager", 0)).toBeUndefined();
    expect(parseWebhook(JSON.stringify({ alerts: [{ ...alert, labels: {} }] }), "pager", 0)).toBeUndefined();
  });
});

describe("journal", () => {
  it("tells the next drill what is broken, the last first, and is gone when nothing is", () => {
    const path = join(folder, "journal.json");
    const journal = new Journal(path);
    expect(existsSync(path)).toBe(false);
    journal.settings = true;
    journal.broken(scenario, { standby: "two" });
    journal.broken({ ...scenario, id: "other" }, { standby: "two" });
    const next = new Journal(path);
    expect(next.settings).toBe(true);
    expect(next.open.map(({ id, places }) => [id, places.standby])).toEqual([
      ["other", "two"],
      ["store-stopped", "two"],
    ]);
    next.repaired({ id: "other" });
    next.repaired(scenario);
    next.settings = false;
    expect(existsSync(path)).toBe(false);
  });
});

describe("schedule", () => {
  const named = (id: string, ...disturbs: string[]): Scenario => ({ ...scenario, id, disturbs });

  it("runs side by side what disturbs nothing in common, within the lanes", async () => {
    const running = new Set<Scenario>();
    const together: string[] = [];
    const run = async (it: Scenario) => {
      for (const other of running) {
        expect(other.disturbs.filter((word) => it.disturbs.includes(word))).toEqual([]);
        together.push([other.id, it.id].sort().join("+"));
      }
      running.add(it);
      expect(running.size).toBeLessThanOrEqual(2);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.delete(it);
      return it.id;
    };
    const all = [named("a", "x"), named("b", "x", "y"), named("c", "z"), named("d", "y"), named("e")];
    const results = await schedule(all, run, 2);
    expect([...results.values()].sort()).toEqual(["a", "b", "c", "d", "e"]);
    expect(together).toContain("a+c");
  });

  it("begins none after an error, and throws it when the others have ended", async () => {
    const ended: string[] = [];
    const run = async ({ id }: Scenario) => {
      await new Promise((resolve) => setTimeout(resolve, id === "a" ? 1 : 10));
      if (id === "a") throw new Error("stop");
      ended.push(id);
    };
    const all = [named("a", "x"), named("b", "y"), named("c", "x")];
    await expect(schedule(all, run, 4)).rejects.toThrow("stop");
    expect(ended).toEqual(["b"]);
  });
});

describe("settings of the drill", () => {
  const text = "config:\n  restorable:alerts:\n    errorRatio: 0.1\n  restorable:pagerWebhookUrl:\n    secure: v1:x\n";
  const settings = parse(drillSettings(text, "short", (name) => `http://10.0.0.1/${name}`)).config;

  it("keeps what was set, shortens the bounds and is the only one who hears", () => {
    expect(settings["restorable:alerts"]).toEqual({ errorRatio: 0.1, timeScale: 0.05, rateWindowSeconds: 60 });
    expect(settings["restorable:alerting"]).toMatchObject({
      pager: { webhookUrl: "http://10.0.0.1/pager" },
      ticket: { webhookUrl: "http://10.0.0.1/ticket" },
      deadMansSwitch: { webhookUrl: "http://10.0.0.1/deadMansSwitch" },
    });
    expect(settings).not.toHaveProperty(["restorable:pagerWebhookUrl"]);
  });
});

describe("runbook pages", () => {
  it("of the repository are found by the link's end, missing and empty ones are not", () => {
    const root = process.cwd();
    expect(runbookProblem(root, "https://veza.fr/runbooks/service-down")).toBeUndefined();
    expect(runbookProblem(root, "https://veza.fr/runbooks/no-such-alert")).toMatch(/no-such-alert.md does not exist/);
    expect(runbookProblem(root, undefined)).toMatch(/names no page/);
  });
});

describe("scenarios", () => {
  const places = {
    ...{ primary: "p", primaryAddress: "10.0.0.2", standby: "s", monitor: "m", monitorAddress: "10.0.0.1" },
    ...{ host: "h", store: "o", offsite: "f", monitoring: "g", database: "app", volumeBytes: "4294967296" },
  };

  it("have names of their own, steps whose places are known, and a repair", () => {
    expect(new Set(scenarios.map(({ id }) => id)).size).toBe(scenarios.length);
    for (const { id, prepare = [], break: broken, repair, expect: expected } of scenarios) {
      for (const { in: place, run } of [...prepare, ...broken, ...repair]) {
        expect(places).toHaveProperty(place);
        expect(fill(run, places)).not.toMatch(/\{(primary|standby|monitor|host|store|database)\w*\}/);
      }
      for (const { labels = {} } of expected) for (const text of Object.values(labels)) fill(text, places);
      expect(broken.length, id).toBeGreaterThan(0);
      expect(repair.length > 0, id).toBe(true);
    }
  });

  it("raise every alert of the rule file, and expect each where its labels send it", { timeout: 60_000 }, () => {
    const { raw } = readStackFile("lab", process.cwd());
    const { groups } = parse(renderAlertRules(plan(parsePlainSettings(raw, { stack: "lab" })).alertRules)) as {
      groups: { rules: { alert: string; labels: { severity: string; page?: string } }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    const hearers = (name: string) =>
      rules
        .filter(({ alert }) => alert === name)
        .map(({ labels }) => (labels.severity === "critical" || labels.page === "true" ? "pager" : "ticket"));
    const expected = scenarios.flatMap((it) => it.expect).filter(({ hearer }) => hearer !== "inhibited");
    for (const { alert, hearer } of expected) expect(hearers(alert), alert).toContain(hearer);
    const drilled = [...expected, ...notDrilled].map(({ alert }) => alert);
    expect([...new Set([...drilled, "DeadMansSwitch"])].sort()).toEqual(
      [...new Set(rules.map(({ alert }) => alert))].sort(),
    );
  });

  it("are chosen by alert or name; others are refused", () => {
    expect(choose("RepositoryUnreachable").map(({ id }) => id)).toEqual(["store-stopped", "key-revoked"]);
    expect(choose("monitor-stopped,TimerInactive").map(({ id }) => id)).toEqual(["monitor-stopped", "timer-stopped"]);
    expect(() => choose("NoSuchAlert")).toThrow(/no such alert or scenario/);
  });
});
