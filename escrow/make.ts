import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { authoritySecret } from "../settings/authority.js";
import { readKeyFiles } from "../settings/files.js";
import { parsePlainSettings } from "../settings/parse.js";
import { sshPrivateKey } from "../settings/secrets.js";
import { type Escrow, seal } from "./format.js";
import { noteEscrow, readAuthority, readRepositories, type Site } from "./hosts.js";
import { readConfiguration, readDeployedSecrets, type StackAccess } from "./stack.js";

export interface MakeOptions {
  recipients: readonly string[];
  /** Path of the escrow. */
  out: string;
  /** Where the bucket administrator's key is kept. */
  administrator: string | undefined;
}

/** Makes an escrow of what is deployed; nothing of it touches a disk but the encrypted file. */
export async function makeEscrow(access: StackAccess, options: MakeOptions): Promise<Escrow> {
  const { settings, secrets } = await readConfiguration(access);
  const deployed = await readDeployedSecrets(access);
  const site = siteOf(access, settings, secrets[sshPrivateKey.name]);
  const [authority, { pgbackrest, repositories }] = await Promise.all([readAuthority(site), readRepositories(site)]);
  const { version } = JSON.parse(readFileSync(join(access.root, "package.json"), "utf8")) as { version: string };
  const { [authoritySecret.name]: _, ...configured } = secrets;
  const now = new Date();
  const escrow: Escrow = {
    format: "restorable-escrow",
    version: 1,
    madeAt: now.toISOString(),
    project: "restorable",
    stack: access.stack,
    versions: { project: version, postgres: site.settings.postgres.major, pgbackrest },
    stanza: site.settings.backup.stanza,
    ...(options.administrator === undefined ? {} : { administrator: options.administrator }),
    settings,
    // What is deployed wins over what is configured for the next update: the backups are of the former.
    secrets: { ...configured, ...deployed },
    authority,
    repositories,
  };
  writeWhole(options.out, await seal(escrow, options.recipients));
  await noteEscrow(site, now);
  return escrow;
}

/** The stack's hosts, from its plain settings. */
export function siteOf(access: StackAccess, raw: Record<string, unknown>, key: string | undefined): Site {
  const plain = parsePlainSettings(raw, { stack: access.stack });
  return {
    ...readKeyFiles(plain, key, { root: access.root, stack: access.stack }),
    name: `restorable-${access.stack}`,
  };
}

/** Whole or not at all: the former escrow stays until the new one is on the disk. */
function writeWhole(path: string, content: Uint8Array): void {
  const next = `${path}.new`;
  writeFileSync(next, content, { mode: 0o600 });
  chmodSync(next, 0o600);
  const file = openSync(next, "r");
  fsyncSync(file);
  closeSync(file);
  renameSync(next, path);
}
