import { serveProvider } from "../provider/serve.mjs";
import { commandProvider } from "./provider.mjs";

await serveProvider(commandProvider());
