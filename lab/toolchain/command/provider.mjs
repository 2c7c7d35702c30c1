import { randomBytes } from "node:crypto";
import { sdkVersion } from "../provider/sdk.mjs";
import { equal, hasSecret, hasUnknown, reveal, secret, UNKNOWN } from "../provider/values.mjs";
import { checkInputs, INPUTS, SOURCES } from "./inputs.mjs";
import { runLocal } from "./local.mjs";
import { ConnectionPool } from "./pool.mjs";
import { runRemote } from "./remote.mjs";

const OUTPUTS = ["stdout", "stderr"];

/** Both outputs of a run, secret when the command or what it reads is. */
function outputsOf(inputs, values) {
  const hide = SOURCES.some((source) => hasSecret(inputs[source]));
  return Object.fromEntries(OUTPUTS.map((name) => [name, hide ? secret(values[name]) : values[name]]));
}

const previousOf = (state) => ({ stdout: reveal(state.stdout) ?? "", stderr: reveal(state.stderr) ?? "" });

const isUnknown = { stdout: UNKNOWN, stderr: UNKNOWN };

/** Whether an update may write something else: a known input changed, or one is not known yet. */
const mayChange = (type, state, inputs) =>
  INPUTS[type].some((key) => hasUnknown(inputs[key]) || (state[key] !== undefined && !equal(state[key], inputs[key])));

/**
 * The stand-in for the command plugin: `command:remote:Command`, `command:local:Command`, `command:local:run`.
 * @param {ConnectionPool} [pool]
 * @returns {import("../provider/service.mjs").Provider}
 */
export function commandProvider(pool = new ConnectionPool()) {
  const run = (context, command, inputs, previous) =>
    context.type === "command:remote:Command"
      ? runRemote(pool, context, { command, inputs, previous })
      : runLocal(context, { command, inputs, previous });

  return {
    name: "command",
    version: sdkVersion("@pulumi/command"),

    check: ({ type }, inputs) => checkInputs(type, inputs),

    // A changed element has a path of its own (`triggers[0]`) and is an update in place.
    replaces: (_context, path) => path === "triggers",

    async create(context, inputs) {
      if (context.preview) return { id: "", outputs: { ...inputs, ...outputsOf(inputs, isUnknown) } };
      const command = reveal(inputs.create);
      const none = { stdout: "", stderr: "" };
      const values = command === undefined ? none : await run(context, command, inputs, none);
      const id = `${context.name}${randomBytes(4).toString("hex")}`;
      return { id, outputs: { ...inputs, ...outputsOf(inputs, values) } };
    },

    async read(_context, id, state) {
      return { id, outputs: state };
    },

    async update(context, state, inputs) {
      const previous = previousOf(state);
      if (context.preview) {
        const values = mayChange(context.type, state, inputs) ? isUnknown : previous;
        return { ...inputs, ...outputsOf(inputs, values) };
      }
      const command = reveal(inputs.update ?? inputs.create);
      const values = command === undefined ? previous : await run(context, command, inputs, previous);
      return { ...inputs, ...outputsOf(inputs, values) };
    },

    async delete(context, state) {
      const command = reveal(state.delete);
      if (command !== undefined) await run(context, command, state, previousOf(state));
    },

    async invoke(context, token, args) {
      if (token !== "command:local:run") {
        throw new Error(`${token} is not covered by this stand-in of the command plugin; use the official plugin`);
      }
      const { failures } = checkInputs("command:local:Command", args);
      if (failures[0]) throw new Error(`${failures[0].property}: ${failures[0].reason}`);
      const values = await runLocal(context, {
        command: reveal(args.command),
        inputs: args,
        previous: { stdout: "", stderr: "" },
      });
      return { ...args, ...outputsOf(args, values) };
    },
  };
}
