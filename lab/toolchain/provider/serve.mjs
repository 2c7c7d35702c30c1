import { engineLog } from "./engine-log.mjs";
import { exitWithParent } from "./lifetime.mjs";
import { GRPC_OPTIONS, sdkRequire } from "./sdk.mjs";
import { providerService } from "./service.mjs";

/**
 * Serves a gRPC service on a free local port and prints the port, which is how a plugin says that it is ready.
 * Methods without an implementation answer UNIMPLEMENTED.
 * @param {object} definition the service's definition of the generated stubs
 * @param {Record<string, Function>} methods
 * @returns {Promise<number>}
 */
export async function listen(definition, methods) {
  const grpc = sdkRequire("@grpc/grpc-js");
  const server = new grpc.Server(GRPC_OPTIONS);
  server.addService(definition, methods);
  const port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.stdout.write(`${port}\n`);
  return port;
}

/** The engine's address: the argument that is not a flag. */
export const engineAddress = (args) => args.filter((arg) => !arg.startsWith("-")).pop();

/**
 * Runs a provider as a plugin process.
 * @param {import("./service.mjs").Provider} provider
 */
export async function serveProvider(provider) {
  const { ResourceProviderService } = sdkRequire("@pulumi/pulumi/proto/provider_grpc_pb.js");
  const log = engineLog(engineAddress(process.argv.slice(2)));
  const { methods, busy, cancel } = providerService(provider, log);
  exitWithParent({ onOrphan: cancel, isIdle: () => !busy() });
  await listen(ResourceProviderService, methods);
}
