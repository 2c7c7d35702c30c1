import { sdkRequire } from "../provider/sdk.mjs";
import { programRequire } from "./program-modules.mjs";

/**
 * The stand-in for `pulumi-resource-pulumi-nodejs`: the SDK's own provider of dynamic resources, with tsx so that
 * what a serialised provider requires may be TypeScript. The SDK is the program's own (it is the working directory).
 */
const require = programRequire(process.cwd());
await import(require.resolve("tsx"));
sdkRequire(require.resolve("@pulumi/pulumi/cmd/dynamic-provider"));
