import { spawn } from "node:child_process";
import { programRequire } from "./program-modules.mjs";

/** The engine's name for a policy pack among the kinds of plugins. */
export const POLICY_PACK = "analyzer";

/**
 * Starts a policy pack with the SDK's own runner, in the pack's folder. Policies see the resources but not the
 * stack's configuration.
 * @param {import("@pulumi/pulumi/proto/language_pb.js").RunPluginRequest} request
 */
export function startPolicyPack(request) {
  const directory = request.getInfo().getProgramDirectory();
  const require = programRequire(directory);
  const variables = request.getEnvList().map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return spawn(
    process.execPath,
    [
      ...["--import", require.resolve("tsx")],
      require.resolve("@pulumi/pulumi/cmd/run-policy-pack"),
      ...request.getArgsList(),
      directory,
    ],
    { cwd: directory, env: { ...process.env, ...Object.fromEntries(variables) }, stdio: ["ignore", "pipe", "pipe"] },
  );
}
