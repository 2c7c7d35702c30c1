import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { holdName } from "../../../lab/nameLock.js";

const module = join(import.meta.dirname, "../../../lab/nameLock.ts");

describe("holdName", { timeout: 30_000 }, () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "name-"));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  const code = (then: string) =>
    `import(${JSON.stringify(module)}).then(({ holdName }) => { holdName("ci", "up", ${JSON.stringify(directory)}); ${then} }).catch((error) => { console.log(error.message); process.exit(1); })`;
  const other = (env: NodeJS.ProcessEnv = {}) =>
    spawnSync(process.execPath, ["--import", "tsx", "-e", code("")], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, ...env },
    });

  it("keeps another process off, and names the one that it has to wait for", () => {
    const release = holdName("ci", "down in /checkout", directory);
    const { status, stdout } = other();
    expect(status).toBe(1);
    expect(stdout).toContain(`the lab ci is in use on this machine by process ${process.pid} (down in /checkout)`);
    release();
    expect(other().status).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("lets child processes work on the same lab, which do not give the name back", () => {
    const release = holdName("ci", "tests", directory);
    expect(other(process.env).status).toBe(0);
    expect(readdirSync(directory)).toEqual(["restorable-lab-ci.lock"]);
    release();
  });

  it("does not keep other labs off", () => {
    const releases = [holdName("one", "up", directory), holdName("two", "up", directory)];
    expect(readdirSync(directory)).toHaveLength(2);
    for (const release of releases) release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("takes over from a process that was killed", async () => {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "-e", code('console.log("held"); setInterval(() => {}, 1000)')],
      { env: { PATH: process.env.PATH }, stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(() => holdName("ci", "up", directory)).toThrow(`by process ${child.pid} (up)`);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    holdName("ci", "up", directory)();
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    ["that has another process's number", JSON.stringify({ pid: 1, start: "0", what: "up" })],
    ["that cannot be read", "{"],
  ])("takes over a lock %s", (_, text) => {
    writeFileSync(join(directory, "restorable-lab-ci.lock"), text);
    holdName("ci", "up", directory)();
    expect(readdirSync(directory)).toEqual([]);
  });
});
