import { describe, expect, it } from "vitest";
import { Convergence } from "../../../remote/convergence.js";
import { type Facts, parseFacts, readFacts } from "../../../remote/facts.js";
import { generationOf, type LastKnown } from "../../../remote/generation.js";
import type { SshResult } from "../../../remote/ssh.js";

const connection = { host: "10.1.1.10", port: 22, user: "root", privateKey: "key", hostKey: "ssh-ed25519 AAAA" };
const tabs = (...lines: string[]) => `${lines.map((line) => line.replaceAll(" ", "\t")).join("\n")}\n`;
const looked = (...lines: string[]): Facts => ({ known: true, facts: parseFacts(tabs(...lines)) });
const unknown: Facts = { known: false, reason: "no route to host" };

describe("parseFacts", () => {
  it("reads instances and steps, and ignores everything else", () => {
    const facts = parseFacts(
      tabs(
        "motd of the host",
        "instance box uuid1 RUNNING",
        "step box pg-node 3 altered:/etc/x",
        "",
        "step host tools x ok",
      ),
    );
    expect(facts.instances).toEqual(new Map([["box", { uuid: "uuid1", status: "RUNNING" }]]));
    expect(facts.steps).toEqual(
      new Map([
        ["box/pg-node", { generation: 3, verdict: "altered:/etc/x" }],
        ["host/tools", { generation: 0, verdict: "ok" }],
      ]),
    );
  });
});

describe("readFacts", () => {
  const answer = (result: Partial<SshResult>) =>
    readFacts(connection, "facts", async () => ({ code: 0, stdout: "", stderr: "", ...result }));

  it("gives what the host tells", async () => {
    expect(await answer({ stdout: tabs("step box one 1 ok") })).toEqual(looked("step box one 1 ok"));
  });

  it.each([126, 127])("knows that nothing stands on a host without our scripts (exit %i)", async (code) => {
    expect(await answer({ code, stderr: "not found" })).toEqual(looked());
  });

  it("does not know when the look itself failed; the last words say why", async () => {
    expect(await answer({ code: 1, stderr: "warning\nError: daemon is not running\n" })).toEqual({
      known: false,
      reason: "Error: daemon is not running",
    });
  });

  it.each([
    [1, "exit 1"],
    [124, "the look at it did not end in time; a container or Incus hangs"],
  ])("has a reason when the look failed without a word (exit %i)", async (code, reason) => {
    expect(await answer({ code })).toEqual({ known: false, reason });
  });

  it("does not know when the host cannot be reached", async () => {
    const run = async () => {
      throw new Error("root@10.1.1.10:22: connect ECONNREFUSED");
    };
    expect(await readFacts(connection, "facts", run)).toEqual({
      known: false,
      reason: "root@10.1.1.10:22: connect ECONNREFUSED",
    });
  });
});

describe("generationOf", () => {
  const of = (facts: Facts, lastKnown: LastKnown) => generationOf(facts, lastKnown, "alpha", "box", "one");
  const last = (number: number) => ({ "alpha/box/one": number });

  it.each<[string, Facts, LastKnown, number]>([
    ["a first update", looked(), undefined, 1],
    ["a first update of a host that nobody looked at", unknown, undefined, 1],
    ["all stands", looked("step box one 1 ok"), {}, 1],
    ["all stands after earlier repairs", looked("step box one 4 ok"), last(4), 4],
    ["a record that is gone", looked(), {}, 2],
    ["a record that is gone after earlier repairs", looked(), last(4), 5],
    ["a container that is gone", looked("step box one 1 gone"), {}, 2],
    ["an altered file", looked("step box one 3 altered:/etc/x"), last(3), 4],
    ["a host ahead of the state: an update was cut off after its step", looked("step box one 5 ok"), last(4), 5],
    ["a host ahead of the state, altered since", looked("step box one 5 altered:/x"), last(4), 6],
    ["an unreachable host", unknown, last(4), 4],
    ["an unreachable host, never repaired", unknown, {}, 1],
    ["a state that was lost", looked("step box one 2 ok"), undefined, 2],
  ])("%s", (_, facts, lastKnown, expected) => expect(of(facts, lastKnown)).toBe(expected));

  it("does not count another host's or target's step", () => {
    expect(of(looked("step other one 9 ok"), { "beta/box/one": 7 })).toBe(2);
  });
});

describe("Convergence", () => {
  const standing = ["step box incus-container 1 ok", "step box one 1 ok"];

  it("repeats a container's own step when the container does not run, and no other step", () => {
    const facts = new Map([["alpha", looked("instance box uuid1 STOPPED", ...standing)]]);
    const convergence = new Convergence(facts, {});
    expect(convergence.generation("alpha", "box", "incus-container", "box")).toBe(2);
    expect(convergence.generation("alpha", "box", "one")).toBe(1);
    expect(convergence.generations).toEqual({ "alpha/box/incus-container": 2 });
  });

  it("counts a missing container once, though both its record and itself tell of it", () => {
    const convergence = new Convergence(new Map([["alpha", looked("step box incus-container 1 gone")]]), {});
    expect(convergence.generation("alpha", "box", "incus-container", "box")).toBe(2);
  });

  it("remembers only what differs from a first run", () => {
    const running = looked("instance box uuid1 RUNNING", ...standing);
    const convergence = new Convergence(new Map([["alpha", running]]), {});
    convergence.generation("alpha", "box", "incus-container", "box");
    convergence.generation("alpha", "box", "one");
    expect(convergence.generations).toEqual({});
  });

  it("takes a host that is not among the facts as not looked at", () => {
    const convergence = new Convergence(new Map(), { "alpha/box/one": 3 });
    expect(convergence.generation("alpha", "box", "one")).toBe(3);
    expect(convergence.generation("beta", "box", "one")).toBe(1);
  });

  it("says what differs, with host and step, and is silent when nothing does", () => {
    const facts = new Map<string, Facts>([
      ["alpha", looked("step box one 1 gone", "step box two 1 altered:/etc/x.conf", "step box three 1 ok")],
      ["beta", unknown],
    ]);
    expect(new Convergence(facts, {}).describe()).toEqual([
      "host alpha: the container of box/one is gone; the step will run again",
      expect.stringMatching(/^host alpha: \/etc\/x\.conf was changed .*by another hand; step box\/two will run again$/),
      "host beta could not be looked at, so drift on it is unknown: no route to host",
    ]);
    expect(new Convergence(new Map([["alpha", looked(...standing)]]), {}).describe()).toEqual([]);
  });
});
