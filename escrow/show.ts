import { createHash } from "node:crypto";
import { stringify } from "yaml";
import type { Escrow } from "./format.js";

/** What an escrow holds, for people: no secret value, and no part of one. */
export function showEscrow(escrow: Escrow): string {
  const { versions, administrator, authority, repositories, secrets, settings } = escrow;
  return [
    `Escrow of stack ${escrow.stack}, project ${escrow.project}, made ${escrow.madeAt} (format version ${escrow.version})`,
    "",
    `  versions      Postgres ${versions.postgres}, pgBackRest ${versions.pgbackrest}, project ${versions.project}`,
    `  stanza        ${escrow.stanza}`,
    ...repositories.map(
      ({ number, info }) =>
        `  repository ${number}  ${info.map(({ path, content }) => `${path} (${Buffer.from(content, "base64").length} bytes, sha256 ${digest(Buffer.from(content, "base64"))})`).join(", ")}`,
    ),
    `  authority     key, and certificate with sha256 ${digest(authority.certificate)}`,
    `  administrator ${administrator ?? "not said: where is the bucket administrator's key?"}`,
    "  secrets",
    ...Object.keys(secrets)
      .sort()
      .map((name) => `    ${name}`),
    "  settings",
    ...stringify(settings)
      .trimEnd()
      .split("\n")
      .map((line) => `    ${line}`),
  ].join("\n");
}

const digest = (content: string | Buffer) => createHash("sha256").update(content).digest("hex").slice(0, 16);
