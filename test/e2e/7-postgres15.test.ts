import { afterAll, describe, expect, it } from "vitest";
import { run, world } from "./lab.js";

/** A second lab beside the tests' own, on the release that has the older Postgres. */
const name = `${world.name}15`.slice(-8);
const subnet = world.subnet.replace(/\d+$/, (last) => String(Number(last) + 100));
const lab = (command: string, ...args: string[]) =>
  run(["node", "lab/cli.mjs", command, "--name", name, "--subnet", subnet, ...args]);

describe("Postgres 15, pgBackRest 2.45, Debian 12", () => {
  afterAll(async () => {
    await lab("down");
  });

  it("H2 goes from nothing to a passed drill, beside another lab", { timeout: 900_000 }, async () => {
    await lab("down");
    const { code, output } = await lab("up", "--postgres", "15");
    expect(code, output).toBe(0);
    for (const number of [1, 2]) expect(output).toContain(`restore drill of repository ${number} PASSED`);
    expect(output).toMatch(/postgresql-15|restorable-pg15|pgsql|15\/pgaf/);
  });

  it("H2 is not turned into another major version by an option", async () => {
    const { code, output } = await lab("up", "--postgres", "17");
    expect(code).toBe(1);
    expect(output).toContain("this lab has PostgreSQL 15");
  });
});
