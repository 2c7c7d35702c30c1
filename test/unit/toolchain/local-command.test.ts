import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Plugin, secret, startPlugin } from "./plugin.js";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let plugin: Plugin;

beforeAll(async () => {
  plugin = await startPlugin("command");
});
afterAll(() => plugin.stop());

const run = (args: Record<string, unknown>) => plugin.invoke("command:local:run", args);

test("run gives back its arguments and what the command wrote", async () => {
  const args = { command: "cat; echo warned >&2", stdin: "in", logging: "none" };
  expect(await run(args)).toEqual({ ...args, stdout: "in", stderr: "warned" });
  expect(plugin.shown).toEqual([]);
});

test("run takes variables, a folder and another interpreter", async () => {
  const args = { interpreter: ["/bin/bash", "-c"], dir: "/", environment: { WHO: "me" } };
  expect((await run({ ...args, command: 'echo "$PWD $WHO $' + "{BASH_VERSION:+bash}" + '"' })).stdout).toBe(
    "/ me bash",
  );
});

test("what a command writes is secret when its input is", async () => {
  expect((await run({ command: "cat", stdin: secret("s3cret") })).stdout).toEqual(secret("s3cret"));
});

test("a failure has the exit status, the command and what it wrote", async () => {
  await expect(run({ command: "echo why >&2; exit 4" })).rejects.toThrow(
    new Error('exit status 4: running "echo why >&2; exit 4":\nwhy\n'),
  );
  await expect(run({ command: "kill -KILL $$" })).rejects.toThrow("signal: killed: running");
});

test("files as outputs are not covered and say so", async () => {
  await expect(run({ command: "true", assetPaths: ["*"] })).rejects.toThrow("assetPaths: not covered by this stand-in");
});

test("a local command is a resource with the same rules as a remote one", async () => {
  const type = "command:local:Command";
  const { inputs } = await plugin.check(type, { create: "echo one" });
  const { outputs } = await plugin.create(type, inputs);
  expect(outputs).toEqual({ create: "echo one", stdout: "one", stderr: "" });
  const changed = await plugin.update(type, outputs, { update: 'echo "$PULUMI_COMMAND_STDOUT two"' });
  expect(changed.stdout).toBe("one two");
});
