import { exitWithParent } from "../provider/lifetime.mjs";
import { sdkRequire } from "../provider/sdk.mjs";
import { engineAddress, listen } from "../provider/serve.mjs";
import { languageHost } from "./language-host.mjs";

const { LanguageRuntimeService } = sdkRequire("@pulumi/pulumi/proto/language_grpc_pb.js");
const host = languageHost(engineAddress(process.argv.slice(2)));
exitWithParent({ onOrphan: host.stop });
await listen(LanguageRuntimeService, host.methods);
