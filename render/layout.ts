/** Places and names that several renderers and steps share. */

/** Home of the postgres user, on the container's data volume. */
export const postgresHome = "/var/lib/postgresql";

/** Data directory of a data node, the same on all of them: pgBackRest's pg1-path. */
export function dataDirectory(major: number): string {
  return `${postgresHome}/${major}/pgaf/node`;
}

/** Certificate of the authority that signed the store's, where pgBackRest runs. */
export const storeCaFile = "/etc/pgbackrest/store-ca.crt";
