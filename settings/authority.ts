import { namespace, type Problem } from "./problems.js";

/** Secret of its own, for a stack that goes on with the authority of a lost one. */
export const authoritySecret = {
  name: "authority",
  meaning:
    "Key and certificate of the stack's authority, for a rebuild. Absent, the authority is made on the first host.",
} as const;

/** What is wrong with the authority, without showing a part of it. */
export function authorityProblems(value: string | undefined): Problem[] {
  const pem = (kind: string) => new RegExp(`-----BEGIN (?:EC )?${kind}-----\\s[\\s\\S]+-----END (?:EC )?${kind}-----`);
  if (value === undefined || value === "") return [];
  if (pem("PRIVATE KEY").test(value) && pem("CERTIFICATE").test(value)) return [];
  const message = `is not a private key with its certificate, both as PEM; set it with: pulumi config set --secret ${namespace}:${authoritySecret.name} <FILE`;
  return [{ path: [authoritySecret.name], message }];
}
