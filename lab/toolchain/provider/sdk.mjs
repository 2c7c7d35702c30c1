import { createRequire } from "node:module";

/** Loads CommonJS modules from the project's own node_modules, whatever the working directory. */
export const sdkRequire = createRequire(import.meta.url);

/**
 * The version of an SDK package as installed. A stand-in reports it as its own, for the engine asks for the
 * plugin version that the SDK names and warns about another.
 * @param {string} name e.g. `@pulumi/command`
 * @returns {string}
 */
export const sdkVersion = (name) => sdkRequire(`${name}/package.json`).version.replace(/^v/, "");

/** What the engine sends can be large (state with whole scripts in it). */
export const GRPC_OPTIONS = {
  "grpc.max_receive_message_length": 400 << 20,
  "grpc.max_send_message_length": 400 << 20,
};
