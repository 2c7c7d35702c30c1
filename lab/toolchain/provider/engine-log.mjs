import { GRPC_OPTIONS, sdkRequire } from "./sdk.mjs";

/** @typedef {"debug" | "info" | "warning" | "error"} Severity */

/**
 * A function that shows messages to the user, under the resource they belong to. Transient ones are progress:
 * the display may drop them. A message that cannot be delivered is lost quietly: it must not fail the step.
 * @param {string | undefined} address of the engine; without one, messages go nowhere
 * @returns {(severity: Severity, message: string, urn: string, transient?: boolean) => Promise<void>}
 */
export function engineLog(address) {
  if (!address) return async () => {};
  const grpc = sdkRequire("@grpc/grpc-js");
  const { EngineClient } = sdkRequire("@pulumi/pulumi/proto/engine_grpc_pb.js");
  const { LogRequest, LogSeverity } = sdkRequire("@pulumi/pulumi/proto/engine_pb.js");
  const client = new EngineClient(address, grpc.credentials.createInsecure(), GRPC_OPTIONS);
  return (severity, message, urn, transient = false) =>
    new Promise((resolve) => {
      const request = new LogRequest();
      request.setSeverity(LogSeverity[severity.toUpperCase()]);
      request.setMessage(message);
      request.setUrn(urn);
      request.setEphemeral(transient);
      client.log(request, () => resolve());
    });
}
