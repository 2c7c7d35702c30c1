import { type GoProgram, goProgram } from "./goProgram.js";
import { inContainer, incus } from "./incus.js";
import { shell } from "./shell.js";
import type { World } from "./world.js";

/** The lab's S3 server: versitygw, from its Go module. */
export const store: GoProgram = {
  name: "versitygw",
  module: "github.com/versity/versitygw/cmd/versitygw",
  version: "v1.8.0",
  variable: "RESTORABLE_STORE_BINARY",
  what: "the lab's S3 server",
};

/** Where the binary lies on the lab's Incus host: what `objectStore.binary` names. */
export const binaryOnHost = "/opt/restorable/versitygw";

/**
 * Builds the S3 server once per machine.
 * RESTORABLE_STORE_BINARY names one that is there already.
 * @returns path of the binary
 */
export const storeBinary = (world: World, note: (line: string) => void): Promise<string> =>
  goProgram(store, world.cache, note);

/** Puts the binary on the lab's Incus host, from which the stack installs it. */
export async function storeOnHost(world: World, binary: string): Promise<string> {
  const wanted = (await shell(["sha256sum", binary])).split(" ")[0];
  const there = await inContainer(world, world.host.name, `sha256sum ${binaryOnHost} 2>/dev/null || true`);
  if (there.startsWith(`${wanted} `)) return "there";
  await incus(world.host.incusProject, [
    "file",
    "push",
    "-p",
    "--mode=0755",
    "--uid=0",
    "--gid=0",
    binary,
    `${world.host.name}${binaryOnHost}`,
  ]);
  return `versitygw ${store.version}`;
}
