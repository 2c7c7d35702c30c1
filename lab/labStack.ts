import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StackAccess } from "../escrow/stack.js";
import { stackEnv } from "./stack.js";
import { ensureToolchain } from "./toolchain/toolchain.js";
import { world } from "./world.js";

/**
 * How the Pulumi CLI reaches a lab's stack, with its own settings.
 *
 * @throws Error when there is no such lab
 */
export async function labStack(name: string, root: string): Promise<Required<StackAccess>> {
  const configFile = join(root, ".lab", name, "Pulumi.lab.yaml");
  if (!existsSync(configFile)) throw new Error(`there is no lab ${name}: \`npm run lab\` makes it; or name a --stack`);
  // The subnet concerns nothing of the stack's own files.
  const lab = world({ name, subnet: "10.77.0", root });
  const toolchain = await ensureToolchain({ cacheDir: lab.cache, projectRoot: root, log: () => {} });
  return { pulumi: toolchain.pulumi, env: stackEnv(lab, toolchain), root, stack: lab.stack, configFile };
}
