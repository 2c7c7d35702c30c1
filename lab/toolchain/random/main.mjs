import { serveProvider } from "../provider/serve.mjs";
import { randomProvider } from "./provider.mjs";

await serveProvider(randomProvider());
