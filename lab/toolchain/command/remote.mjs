import { reveal } from "../provider/values.mjs";
import { capture } from "./capture.mjs";
import { commandError, remoteFailure } from "./go-text.mjs";
import { runSession } from "./session.mjs";

const HINT =
  "This only works if your SSH server is configured to accept these variables via AcceptEnv. Alternatively, if a " +
  "Bash-like shell runs the command on the remote host, you could prefix the command itself with the variables in " +
  "the form 'VAR=value command'";

/** The session's variables: those asked for must be taken, the previous run's output may be refused. */
function variables(inputs, previous, log) {
  const asked = Object.entries(inputs.environment ?? {}).map(([name, value]) => ({
    name,
    value,
    refused: async () => {
      await log("error", `Unable to set '${name}'. ${HINT}`);
      throw new Error(`could not set environment variable ${JSON.stringify(name)}: ssh: setenv failed`);
    },
  }));
  if (inputs.addPreviousOutputInEnv === false) return asked;
  const outputs = [
    ["PULUMI_COMMAND_STDOUT", previous.stdout],
    ["PULUMI_COMMAND_STDERR", previous.stderr],
  ];
  return [
    ...asked,
    ...outputs
      .filter(([, value]) => value)
      .map(([name, value]) => ({ name, value, refused: () => log("warning", `Unable to set '${name}'. ${HINT}`) })),
  ];
}

/**
 * Runs a command on the inputs' host.
 * @param {import("./pool.mjs").ConnectionPool} pool
 * @param {import("../provider/service.mjs").Context} context
 * @param {object} run
 * @param {string} run.command
 * @param {object} run.inputs the resource's inputs, secrets wrapped
 * @param {{ stdout: string, stderr: string }} run.previous output of the run before
 * @returns {Promise<{ stdout: string, stderr: string }>}
 * @throws {Error} with the command and what it wrote when it does not end with 0
 */
export async function runRemote(pool, context, { command, inputs, previous }) {
  const plain = reveal(inputs);
  const output = capture(plain.logging, (line) => context.log("info", line, true));
  const exit = await pool.use(plain.connection, context, (client) =>
    runSession(client, {
      command,
      stdin: plain.stdin,
      environment: variables(plain, previous, context.log),
      write: output.write,
    }),
  );
  const { both, ...outputs } = await output.finish();
  const failure = remoteFailure(exit);
  if (failure) throw commandError(failure, command, both);
  return outputs;
}
