import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Plugin, type Properties, secret, startPlugin, UNKNOWN } from "./plugin.js";
import { type SshServer, startSshServer } from "./ssh-server.js";

const TYPE = "command:remote:Command";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let plugin: Plugin;
let server: SshServer;

beforeAll(async () => {
  plugin = await startPlugin("command");
});
afterAll(() => plugin.stop());
beforeEach(async () => {
  plugin.shown.length = 0;
  server = await startSshServer();
});
afterEach(() => server.close());

const inputsFor = async (inputs: Properties, connection: Properties = {}): Promise<Properties> => {
  const checked = await plugin.check(TYPE, { connection: { ...server.connection, ...connection }, ...inputs });
  expect(checked.failures).toEqual({});
  return checked.inputs;
};
const shown = () => plugin.shown.map(({ message }) => message);

test("reports the version of the SDK package", async () => {
  const { default: manifest } = await import("@pulumi/command/package.json", { with: { type: "json" } });
  expect(await plugin.version()).toBe(manifest.version);
});

describe("inputs", () => {
  test("the connection gets the official defaults and is secret, as are its keys", async () => {
    const { inputs } = await plugin.check(TYPE, {
      create: "true",
      connection: { host: "h", privateKey: "k", proxy: { host: "p", password: "w" } },
    });
    const defaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
    expect(inputs).toEqual({
      create: "true",
      connection: secret({
        ...defaults,
        host: "h",
        privateKey: secret("k"),
        proxy: { ...defaults, host: "p", password: secret("w") },
      }),
    });
  });

  test("what is missing or of a wrong type is named", async () => {
    expect((await plugin.check(TYPE, { create: 1 })).failures).toEqual({
      connection: "Missing required field 'connection'",
      create: "Field 'create' must be a string; got number",
    });
    expect((await plugin.check(TYPE, { connection: { user: "root" } })).failures).toEqual({
      "connection.host": "Missing required field 'host'",
    });
  });

  test("unknown values pass", async () => {
    const checked = await plugin.check(TYPE, { create: UNKNOWN, connection: UNKNOWN });
    expect(checked).toEqual({ failures: {}, inputs: { create: UNKNOWN, connection: secret(UNKNOWN) } });
  });

  test("a type that is not covered says so", async () => {
    await expect(plugin.check("command:remote:CopyToRemote", {})).rejects.toThrow("use the official plugin");
  });
});

describe("diff", () => {
  test("no difference without a change", async () => {
    const inputs = await inputsFor({ create: "true", triggers: ["a"] });
    expect(await plugin.diff(TYPE, inputs, inputs)).toEqual({
      changes: false,
      paths: {},
      replaces: [],
      deleteFirst: false,
    });
  });

  test.each<[string, Properties, Properties, Record<string, string>]>([
    ["a changed command updates", { create: "a" }, { create: "b" }, { create: "update" }],
    [
      "a changed variable updates",
      { environment: { A: "1" } },
      { environment: { A: "2" } },
      { "environment.A": "update" },
    ],
    ["a changed trigger updates", { triggers: ["a"] }, { triggers: ["b"] }, { "triggers[0]": "update" }],
    ["one more trigger updates", { triggers: ["a"] }, { triggers: ["a", "b"] }, { "triggers[1]": "add" }],
    ["added triggers replace", {}, { triggers: ["a"] }, { triggers: "add-replace" }],
    ["removed triggers replace", { triggers: ["a"] }, {}, { triggers: "delete-replace" }],
    ["a value that is not known yet updates", { create: "a" }, { create: UNKNOWN }, { create: "update" }],
    ["a secret's content updates", { stdin: secret("a") }, { stdin: secret("b") }, { stdin: "update" }],
    ["a value that becomes secret updates", { stdin: "a" }, { stdin: secret("a") }, { stdin: "update" }],
  ])("%s", async (_name, before, after, paths) => {
    const diff = await plugin.diff(TYPE, before, after);
    const replaces = Object.values(paths).some((kind) => kind.endsWith("replace")) ? ["triggers"] : [];
    expect(diff).toEqual({ changes: true, paths, replaces, deleteFirst: false });
  });

  test("a changed connection shows as a whole, never which part", async () => {
    const diff = await plugin.diff(TYPE, await inputsFor({}), await inputsFor({}, { user: "other" }));
    expect(diff.paths).toEqual({ connection: "update" });
  });
});

describe("create", () => {
  test("runs the command and keeps what it wrote, less one line end", async () => {
    const inputs = await inputsFor({ create: "printf 'one\\n\\n'; echo two >&2" });
    const { id, outputs } = await plugin.create(TYPE, inputs);
    expect(id).toMatch(/^step[0-9a-f]{8}$/);
    expect(outputs).toEqual({ ...inputs, stdout: "one\n", stderr: "two" });
  });

  test("gives the command its standard input", async () => {
    const { outputs } = await plugin.create(TYPE, await inputsFor({ create: "tr a-z A-Z", stdin: "abc" }));
    expect(outputs.stdout).toBe("ABC");
  });

  test("an input that the command does not read is no error", async () => {
    const inputs = await inputsFor({ create: "exec <&-; echo done", stdin: "x".repeat(1 << 20) });
    expect((await plugin.create(TYPE, inputs)).outputs.stdout).toBe("done");
  });

  test("without a command connects to nothing", async () => {
    const { outputs } = await plugin.create(TYPE, await inputsFor({ delete: "true" }));
    expect(outputs).toMatchObject({ stdout: "", stderr: "" });
    expect(server.seen.connections).toBe(0);
  });

  test("in a preview runs nothing; what it would write is unknown", async () => {
    const inputs = await inputsFor({ create: "echo one" });
    const { outputs } = await plugin.create(TYPE, inputs, { preview: true });
    expect(outputs).toEqual({ ...inputs, stdout: UNKNOWN, stderr: UNKNOWN });
    expect(server.seen.connections).toBe(0);
  });

  test("what it writes is secret when what it reads or runs is", async () => {
    const fromStdin = await inputsFor({ create: "cat", stdin: secret("s3cret") });
    expect((await plugin.create(TYPE, fromStdin)).outputs).toEqual({
      ...fromStdin,
      stdout: secret("s3cret"),
      stderr: secret(""),
    });
    const { outputs } = await plugin.create(TYPE, await inputsFor({ create: secret("echo hidden") }));
    expect(outputs.stdout).toEqual(secret("hidden"));
  });
});

describe("update and delete", () => {
  const created = async (inputs: Properties) => (await plugin.create(TYPE, await inputsFor(inputs))).outputs;

  test("runs update, and create again where there is none", async () => {
    const state = await created({ create: "echo first" });
    expect((await plugin.update(TYPE, state, await inputsFor({ create: "echo again" }))).stdout).toBe("again");
    const both = await inputsFor({ create: "echo again", update: "echo changed" });
    expect(await plugin.update(TYPE, state, both)).toEqual({ ...both, stdout: "changed", stderr: "" });
  });

  test("without a command keeps what the last one wrote", async () => {
    const state = await created({ create: "echo first" });
    expect((await plugin.update(TYPE, state, await inputsFor({ delete: "true" }))).stdout).toBe("first");
    expect(server.seen.commands).toEqual(["echo first"]);
  });

  test("in a preview a changed input makes the outputs unknown, an added one does not", async () => {
    const state = await created({ create: "echo first" });
    const preview = async (inputs: Properties) =>
      (await plugin.update(TYPE, state, await inputsFor(inputs), { preview: true })).stdout;
    expect(await preview({ create: "echo second" })).toBe(UNKNOWN);
    expect(await preview({ create: "echo first", environment: { A: UNKNOWN } })).toBe(UNKNOWN);
    expect(await preview({ create: "echo first", delete: "true" })).toBe("first");
    expect(server.seen.commands).toEqual(["echo first"]);
  });

  test("passes the last output on, unless told not to", async () => {
    const state = await created({ create: "echo first; echo warned >&2" });
    const update = 'echo "<$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR>"';
    expect((await plugin.update(TYPE, state, await inputsFor({ update }))).stdout).toBe("<first|warned>");
    const without = await inputsFor({ update, addPreviousOutputInEnv: false });
    expect((await plugin.update(TYPE, state, without)).stdout).toBe("<|>");
  });

  test("delete uses the connection in state", async () => {
    const state = await created({ create: "true", delete: "echo gone" });
    await plugin.delete(TYPE, state);
    expect(server.seen.commands).toEqual(["true", "echo gone"]);
  });

  test("without a delete command nothing is run", async () => {
    await plugin.delete(TYPE, await created({ create: "true" }));
    expect(server.seen.commands).toEqual(["true"]);
  });
});

describe("environment", () => {
  test("variables reach the command", async () => {
    const inputs = await inputsFor({ create: 'echo "$A $B"', environment: { A: "1", B: "two words" } });
    expect((await plugin.create(TYPE, inputs)).outputs.stdout).toBe("1 two words");
  });

  test("a variable that the server refuses fails the command, which does not run", async () => {
    const strict = await startSshServer({ acceptEnv: ["LANG"] });
    const inputs = await inputsFor({ create: "true", environment: { TOKEN: "x" } }, strict.connection);
    await expect(plugin.create(TYPE, inputs)).rejects.toThrow(
      'could not set environment variable "TOKEN": ssh: setenv failed',
    );
    expect(strict.seen.commands).toEqual([]);
    await strict.close();
  });

  test("refused previous output is a warning only", async () => {
    const strict = await startSshServer({ acceptEnv: [] });
    const inputs = await inputsFor({ create: "echo one" }, strict.connection);
    const { outputs } = await plugin.create(TYPE, inputs);
    expect((await plugin.update(TYPE, outputs, inputs)).stdout).toBe("one");
    expect(plugin.shown.filter(({ transient }) => !transient)).toEqual([
      { severity: 2, transient: false, message: expect.stringContaining("Unable to set 'PULUMI_COMMAND_STDOUT'") },
    ]);
    await strict.close();
  });
});

describe("what the user sees", () => {
  test.each<[string | undefined, string[]]>([
    [undefined, ["out", "err"]],
    ["stdoutAndStderr", ["out", "err"]],
    ["stdout", ["out"]],
    ["stderr", ["err"]],
    ["none", []],
  ])("logging %s shows %j", async (logging, lines) => {
    const inputs = { create: "echo out; sleep 0.05; echo err >&2", ...(logging !== undefined && { logging }) };
    const { outputs } = await plugin.create(TYPE, await inputsFor(inputs));
    expect(shown()).toEqual(lines);
    expect(outputs).toMatchObject({ stdout: "out", stderr: "err" });
  });

  test("a failure has the exit status, the command and both streams in order", async () => {
    const create = 'echo "step 1"; sleep 0.05; echo "no such device" >&2; exit 3';
    await expect(plugin.create(TYPE, await inputsFor({ create }))).rejects.toThrow(
      new Error(
        'Process exited with status 3: running "echo \\"step 1\\"; sleep 0.05; echo \\"no such device\\" >&2; exit 3":\n' +
          "step 1\nno such device\n",
      ),
    );
  });

  test("a signal counts as in a shell", async () => {
    await expect(plugin.create(TYPE, await inputsFor({ create: "kill -TERM $$" }))).rejects.toThrow(
      "Process exited with status 143 from signal TERM: running",
    );
  });

  test("a long failure arrives whole", async () => {
    const create = "head -c 12000 /dev/zero | tr '\\0' x; exit 9";
    const error = await plugin.create(TYPE, await inputsFor({ create })).catch((caught: Error) => caught);
    expect((error as Error).message.length).toBeGreaterThan(12_000);
  });

  test("the standard input of a command that fails is not shown", async () => {
    const inputs = await inputsFor({ create: "cat >/dev/null; exit 1", stdin: secret("s3cret") });
    const error = await plugin.create(TYPE, inputs).catch((caught: Error) => caught);
    expect(`${error}${shown()}`).not.toContain("s3cret");
  });
});
