import { createHash } from "node:crypto";

/** Debian packages of the prepared image: the one place where they are named. */
export function imagePackages(major: number): string[] {
  return [
    `postgresql-${major}`,
    `postgresql-${major}-auto-failover`,
    "pg-auto-failover-cli",
    "pgbackrest",
    "zstd",
    "jq",
    "openssl",
    "age",
    "curl",
    "rclone",
    "prometheus-node-exporter",
    "prometheus-postgres-exporter",
  ];
}

/** What the settings say about the prepared image: everything that makes it another image. */
export interface ImageIdentity {
  /** Major version of Postgres. */
  major: number;
  /** Base image: alias on the host, or `remote:alias`. */
  base: string;
  /** Line of an apt source with newer packages; empty for the distribution's. */
  packageSource: string;
  /** Any text: another one asks for a new image, and so for the newest packages. */
  revision: string;
}

/** Alias of the prepared image, `restorable-pg<major>-<hash>`: from settings alone, so that a preview shows it. */
export function imageAlias({ major, base, packageSource, revision }: ImageIdentity): string {
  const identity = JSON.stringify([base, imagePackages(major), packageSource, revision]);
  return `restorable-pg${major}-${createHash("sha256").update(identity).digest("hex").slice(0, 8)}`;
}
