import { bech32 } from "@scure/base";

/** The text form of an X25519 identity of age (C2SP age, "The X25519 recipient type"). @param base64 its 32 bytes */
export function ageIdentity(base64: string): string {
  return bech32.encodeFromBytes("age-secret-key-", Buffer.from(base64, "base64")).toUpperCase();
}
