import { describe, expect, it } from "vitest";
import { exitCode, report } from "../../../fire-drill/report.js";
import { runScenario } from "../../../fire-drill/runner.js";
import { Interrupted } from "../../../fire-drill/surroundings.js";
import { type Behaviour, Fake, scenario } from "./fake.js";

const [expectation] = scenario.expect;

async function run(behaviour: Behaviour, changed: Partial<typeof scenario> = {}) {
  const fake = new Fake(behaviour);
  const journal: string[] = [];
  const rows = await runScenario({ ...scenario, ...changed }, fake, {
    journal: { broken: () => journal.push("broken"), repaired: () => journal.push("repaired") },
    say: () => {},
  });
  return { fake, journal, rows, row: rows[0] };
}

const inhibited = { expect: [{ ...expectation, hearer: "inhibited" } as NonNullable<typeof expectation>] };

describe("an alert that does all it has to", () => {
  it("passes, with the seconds it took", async () => {
    const { row, fake, journal, rows } = await run({});
    expect(row).toMatchObject({ verdict: "passed", problems: [], fire: 12, deliver: 12, bound: 45 });
    expect(row?.resolve).toBeGreaterThanOrEqual(4);
    expect(fake.steps).toEqual(["break", "repair"]);
    expect(journal).toEqual(["broken", "repaired"]);
    expect(exitCode(rows)).toBe(0);
  });

  it("passes when it is inhibited as expected: fires, and nobody hears of it", async () => {
    const { row } = await run({ inhibited: true, delivered: [] }, inhibited);
    expect(row).toMatchObject({ verdict: "passed", problems: [] });
    expect(row).not.toHaveProperty("deliver");
  });
});

describe("each of these is a failure", () => {
  it.each<[string, Behaviour, RegExp]>([
    ["it never fires", { fires: undefined, delivered: [] }, /^did not fire within 45 s$/],
    ["it fires too late", { fires: 60 }, /^did not fire within 45 s$/],
    ["it is delivered to the wrong receiver", { delivered: ["ticket"] }, /^was not delivered to pager within 30 s$/],
    ["it is delivered to another one as well", { delivered: ["pager", "ticket"] }, /^was delivered to ticket$/],
    ["it is not delivered", { delivered: [] }, /^was not delivered to pager within 30 s$/],
    ["its runbook page is missing", { runbook: "elsewhere" }, /^no page elsewhere$/],
    ["it names no runbook page", { runbook: undefined }, /^no page undefined$/],
    ["it never goes silent in Prometheus", { staysActive: true }, /^still active 40 s after the repair$/],
    ["its end is never delivered", { resolves: false }, /^its end was not delivered within 40 s after the repair$/],
    ["Prometheus has no such rule", { noRule: true }, /^Prometheus has no rule of this name$/],
    ["the repair fails", { failing: "repair" }, /^not repaired: repair failed$/],
  ])("%s", async (_, behaviour, problem) => {
    const { row, rows, fake } = await run(behaviour);
    expect(row?.verdict).toBe("failed");
    expect(row?.problems).toEqual(expect.arrayContaining([expect.stringMatching(problem)]));
    expect(fake.steps).toContain("repair");
    expect(exitCode(rows)).toBe(1);
    expect(report(rows, [])).toMatch(/FAILED\n/);
  });

  it("it is heard of though another alert says it", async () => {
    const { row } = await run({ inhibited: true }, inhibited);
    expect(row).toMatchObject({ verdict: "failed", problems: ["was delivered to pager all the same"] });
  });

  it("it is not inhibited", async () => {
    const { row } = await run({ delivered: [] }, inhibited);
    expect(row).toMatchObject({ verdict: "failed", problems: ["is not inhibited"] });
  });

  it("what is broken stays in the journal when its repair fails", async () => {
    expect((await run({ failing: "repair" })).journal).toEqual(["broken"]);
  });
});

describe("what could not be verified", () => {
  it("an alert that fires before: nothing is broken", async () => {
    const { row, rows, fake, journal } = await run({ firesBefore: true });
    expect(row).toMatchObject({ verdict: "unverified", problems: ["Dead was there before anything was broken"] });
    expect([...fake.steps, ...journal]).toEqual([]);
    expect(exitCode(rows)).toBe(2);
  });

  it("a break that fails is repaired all the same", async () => {
    const { row, fake, journal } = await run({ failing: "break" });
    expect(row).toMatchObject({ verdict: "unverified", problems: ["could not be broken or watched: break failed"] });
    expect(fake.steps).toEqual(["break", "repair"]);
    expect(journal).toEqual(["broken", "repaired"]);
  });

  it("a Prometheus that stops to answer", async () => {
    const { row, fake } = await run({ deaf: true });
    expect(row?.verdict).toBe("unverified");
    expect(fake.steps).toEqual(["break", "repair"]);
  });

  it("no row at all is no pass", () => {
    expect(exitCode([])).toBe(2);
  });
});

it("an interrupted drill repairs what is broken, then ends", async () => {
  const fake = new Fake({ interruptedAfter: 3 });
  const journal: string[] = [];
  const ended = runScenario(scenario, fake, {
    journal: { broken: () => journal.push("broken"), repaired: () => journal.push("repaired") },
    say: () => {},
  });
  await expect(ended).rejects.toBeInstanceOf(Interrupted);
  expect(fake.steps).toEqual(["break", "repair"]);
  expect(journal).toEqual(["broken", "repaired"]);
});
