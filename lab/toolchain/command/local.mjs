import { spawn } from "node:child_process";
import { reveal } from "../provider/values.mjs";
import { capture } from "./capture.mjs";
import { commandError, localFailure } from "./go-text.mjs";

/**
 * Runs a command on this machine. Arguments and errors are those of `runRemote`, without a pool.
 * @param {import("../provider/service.mjs").Context} context
 * @param {{ command: string, inputs: object, previous: { stdout: string, stderr: string } }} run
 * @returns {Promise<{ stdout: string, stderr: string }>}
 */
export async function runLocal(context, { command, inputs, previous }) {
  const { interpreter, dir, environment, stdin, logging, addPreviousOutputInEnv } = reveal(inputs);
  const [program, ...args] = interpreter?.length ? interpreter : ["/bin/sh", "-c"];
  const carried =
    addPreviousOutputInEnv === false
      ? {}
      : {
          ...(previous.stdout && { PULUMI_COMMAND_STDOUT: previous.stdout }),
          ...(previous.stderr && { PULUMI_COMMAND_STDERR: previous.stderr }),
        };
  const output = capture(logging, (line) => context.log("info", line, true));

  const failure = await new Promise((resolve) => {
    const child = spawn(program, [...args, command], {
      cwd: dir,
      env: { ...process.env, ...environment, ...carried },
      stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
      signal: context.signal,
      killSignal: "SIGKILL",
    });
    child.stdout.on("data", (chunk) => output.write("stdout", chunk));
    child.stderr.on("data", (chunk) => output.write("stderr", chunk));
    // A command that ends without reading its input breaks the pipe; its exit status says what matters.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
    child.once("error", (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
    child.once("close", (code, signal) => resolve(localFailure(code, signal)));
  });

  const { both, ...outputs } = await output.finish();
  if (failure) throw commandError(failure, command, both);
  return outputs;
}
