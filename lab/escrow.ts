import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { makeEscrow } from "../escrow/make.js";
import { inContainer } from "./incus.js";
import { settingsFile, stackEnv } from "./stack.js";
import type { Toolchain } from "./toolchain/toolchain.js";
import type { World } from "./world.js";

/** The lab's escrow, and the identity that opens it: beside it in a lab only. */
export const escrowFile = (world: World) => join(world.directory, "escrow.age");
export const escrowIdentity = (world: World) => join(world.directory, "escrow-identity.txt");

/** When the escrow of the present keys was made; undefined when there is none. */
export async function escrowTime(world: World): Promise<Date | undefined> {
  const file = "/var/lib/node_exporter/textfile_collector/restorable_escrow.prom";
  const text = await inContainer(world, world.host.name, `cat ${file} 2>/dev/null || true`);
  const seconds = Number(/^restorable_escrow_timestamp_seconds (\d+)$/m.exec(text)?.[1] ?? 0);
  return seconds > 0 ? new Date(seconds * 1000) : undefined;
}

/** Makes the lab's escrow, unless there is one of the present keys. */
export async function labEscrow(world: World, toolchain: Toolchain): Promise<string> {
  const made = await escrowTime(world);
  if (made && existsSync(escrowFile(world))) return `there: ${made.toISOString()}`;
  const path = escrowIdentity(world);
  mkdirSync(world.directory, { recursive: true });
  if (!existsSync(path)) writeFileSync(path, `${await generateX25519Identity()}\n`, { mode: 0o600 });
  const recipient = await identityToRecipient(readFileSync(path, "utf8").trim());
  await makeEscrow(
    {
      pulumi: toolchain.pulumi,
      env: stackEnv(world, toolchain),
      root: world.root,
      stack: world.stack,
      configFile: settingsFile(world),
    },
    { recipients: [recipient], out: escrowFile(world), administrator: "the lab's store makes its own" },
  );
  return `made: ${escrowFile(world)}`;
}
