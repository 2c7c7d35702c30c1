import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 30_000 });

const run = promisify(execFile);
const host = (file: string) => fileURLToPath(new URL(`../../../lab/toolchain/host/${file}`, import.meta.url));

interface Program {
  done: Promise<{ bail: boolean; error: string }>;
  stop(): void;
}

const program = async (code: string): Promise<Program> => {
  const { runProgram } = (await import(host("program.mjs"))) as {
    runProgram(command: { args: string[]; directory: string; environment: Record<string, string> }): Program;
  };
  return runProgram({ args: ["--eval", code], directory: "/", environment: { WHO: "me" } });
};

describe("how a program ends", () => {
  test.each<[string, string, { bail: boolean; error: string }]>([
    ["well", "process.exit(process.env.WHO === 'me' ? 0 : 1)", { bail: false, error: "" }],
    ["having reported its error itself", "process.exit(32)", { bail: true, error: "" }],
    ["with an error", "process.exit(7)", { bail: false, error: "Program exited with non-zero exit code: 7" }],
  ])("%s", async (_name, code, end) => {
    expect(await (await program(code)).done).toEqual(end);
  });

  test("when it is stopped", async () => {
    const running = await program("setInterval(() => {}, 1000)");
    running.stop();
    expect(await running.done).toEqual({ bail: false, error: "Program was killed by SIGTERM" });
  });
});

test("an error whose stack names a file right below a scope is formatted at once", async () => {
  const code = `
    const error = new Error("settings: wrong");
    error.stack =
      "Error: settings: wrong\\n    at Stack.initialize (/app/node_modules/@pulumi/runtime/stack.ts:78:28)\\n" +
      "    at Stack.initializeAndRegisterOutputs (/app/node_modules/@pulumi/resource.ts:1598:22)";
    process.stdout.write(require("node:util").inspect(error, { colors: true }));
  `;
  const { stdout } = await run(process.execPath, ["--require", host("plain-errors.cjs"), "--eval", code], {
    timeout: 10_000,
  });
  expect(stdout).toContain("settings: wrong");
  expect(stdout).toContain("@pulumi/resource.ts");
});
