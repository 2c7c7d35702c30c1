import { serveProvider } from "../provider/serve.mjs";
import { kubernetesProvider } from "./provider.mjs";

await serveProvider(kubernetesProvider());
