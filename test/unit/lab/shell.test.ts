import { describe, expect, it } from "vitest";
import { CommandFailed, shell } from "../../../lab/shell.js";

describe("shell", () => {
  it("gives standard output, and takes input and environment", async () => {
    const script = 'printf "%s %s" "$(cat)" "$GREETING"; echo noise >&2';
    expect(await shell(["sh", "-c", script], { input: "well", env: { GREETING: "met" } })).toBe("well met");
  });

  it("reports lines of both outputs as they come", async () => {
    const lines: string[] = [];
    await shell(["sh", "-c", "echo one; sleep 0.05; echo two >&2"], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["one", "two"]);
  });

  it("fails with the command's own last words and its exit code", async () => {
    const script = "for i in $(seq 30); do echo line $i; done; echo why >&2; exit 7";
    const error = await shell(["sh", "-c", script]).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(CommandFailed);
    const { exitCode, message } = error as CommandFailed;
    expect(exitCode).toBe(7);
    expect(message).toContain("(exit 7)");
    expect(message).toMatch(/line 30\nwhy$/);
    expect(message).not.toContain("line 10\n");
  });

  it("fails clearly when there is no such program", async () => {
    await expect(shell(["/no/such/program"])).rejects.toThrow(/`\/no\/such\/program` failed/);
  });
});
