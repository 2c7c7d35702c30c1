import { Decrypter, Encrypter } from "age-encryption";
import { z } from "zod";

/** What an escrow holds, version 1: docs/rebuild.md describes it. A reader of another version refuses. */
export const escrowSchema = z.strictObject({
  format: z.literal("restorable-escrow"),
  version: z.literal(1),
  /** When it was made, ISO 8601. */
  madeAt: z.iso.datetime(),
  project: z.string(),
  stack: z.string(),
  versions: z.strictObject({
    /** Of this project. */
    project: z.string(),
    /** Major version. */
    postgres: z.int(),
    /** As `pgbackrest version` says. */
    pgbackrest: z.string(),
  }),
  stanza: z.string(),
  /** Where the bucket administrator's key is kept, in words of whoever made the escrow. */
  administrator: z.string().optional(),
  /** Plain settings, by key without `restorable:`. */
  settings: z.record(z.string(), z.unknown()),
  /** Secrets by the key under which a stack's configuration has them: passphrases, keys, passwords. */
  secrets: z.record(z.string(), z.string()),
  /** PEM of the stack's authority. */
  authority: z.strictObject({ key: z.string(), certificate: z.string() }),
  repositories: z.array(
    z.strictObject({
      number: z.int(),
      /** backup.info and archive.info as they stand in the repository, encrypted by its passphrase; content in base64. */
      info: z.array(z.strictObject({ path: z.string(), content: z.base64() })),
    }),
  ),
});

export type Escrow = z.output<typeof escrowSchema>;

/**
 * One age file for these recipients (https://age-encryption.org/v1).
 *
 * @param recipients public keys, `age1...`
 * @throws Error that names a recipient that is none
 */
export async function seal(escrow: Escrow, recipients: readonly string[]): Promise<Uint8Array> {
  if (recipients.length === 0) throw new Error("an escrow needs a recipient");
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch {
      throw new Error(`${recipient} is no age recipient: age1..., as age-keygen prints it`);
    }
  }
  return encrypter.encrypt(JSON.stringify(escrowSchema.parse(escrow)));
}

/**
 * Opens an escrow.
 *
 * @param identityFile text of an age identity file: comments and lines `AGE-SECRET-KEY-1...`
 * @throws Error without any part of key or content
 */
export async function unseal(file: Uint8Array, identityFile: string): Promise<Escrow> {
  const identities = identityFile
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length === 0) throw new Error("the identity file holds no key");
  const decrypter = new Decrypter();
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw new Error("the identity file holds a line that is no age identity (AGE-SECRET-KEY-1...)");
    }
  }
  let text: string;
  try {
    text = await decrypter.decrypt(file, "text");
  } catch (error) {
    throw new Error(`the escrow cannot be opened with this identity: ${(error as Error).message}`);
  }
  return parseEscrow(text);
}

/** @throws Error that names what is wrong, and shows no value */
export function parseEscrow(text: string): Escrow {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Error("what the file holds is no escrow");
  }
  const { format, version } = (content ?? {}) as { format?: unknown; version?: unknown };
  if (format !== "restorable-escrow") throw new Error("what the file holds is no escrow");
  if (version !== 1) throw new Error(`the escrow is of version ${String(version)}, and this program reads version 1`);
  const parsed = escrowSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(({ path }) => path.map(String).join(".") || "the whole");
  throw new Error(`the escrow is not whole: ${[...new Set(where)].join(", ")}`);
}
