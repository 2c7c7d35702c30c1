import { existsSync } from "node:fs";
import { join } from "node:path";
import { pulumi } from "./stack.js";
import { ensureToolchain } from "./toolchain/toolchain.js";
import type { World } from "./world.js";

/** Prints the stack's outputs as JSON on standard output; secrets are masked unless asked for. */
export async function outputs(world: World, options: { showSecrets: boolean }): Promise<void> {
  if (!existsSync(join(world.directory, "state")))
    throw new Error(`there is no lab ${world.name}: \`npm run lab\` makes it`);
  const toolchain = await ensureToolchain({ cacheDir: world.cache, projectRoot: world.root, log: () => {} });
  console.log(
    await pulumi(world, toolchain, ["stack", "output", "--json", ...(options.showSecrets ? ["--show-secrets"] : [])]),
  );
}
