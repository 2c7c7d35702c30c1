import type { PgbackrestRepositorySecrets } from "../render/pgbackrestConf.js";

/**
 * Keys and passphrase of one repository among a stack's secrets; a reader's where there is one.
 *
 * @throws Error that names what is missing
 */
export function repositorySecrets(secrets: Record<string, string>, number: number): PgbackrestRepositorySecrets {
  const first = (...names: string[]) => {
    const found = names.find((name) => secrets[name]);
    if (found === undefined) throw new Error(`the escrow lacks ${names.join(" or ")}`);
    return secrets[found] ?? "";
  };
  const offsite = number === 2;
  return {
    number,
    key: offsite ? first("offsiteReaderKey") : first(`repo${number}Key`),
    keySecret: offsite ? first("offsiteReaderKeySecret") : first(`repo${number}KeySecret`),
    cipherPass: first(`repo${number}CipherPass`),
  };
}
