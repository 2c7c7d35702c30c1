import { createRequire } from "node:module";
import { join } from "node:path";
import { sdkRequire } from "../provider/sdk.mjs";

/**
 * Resolves modules as a program in this folder would, else from the project's own node_modules.
 * @param {string} directory
 * @returns {{ resolve: (name: string) => string }}
 */
export function programRequire(directory) {
  const own = createRequire(join(directory, "package.json"));
  return {
    resolve(name) {
      try {
        return own.resolve(name);
      } catch {
        return sdkRequire.resolve(name);
      }
    },
  };
}
