const longest = 80;
const mask = "[secret]";

/** A secret as it is, and as it stands within JSON. */
const forms = (secret: string) => [secret.trim(), JSON.stringify(secret.trim()).slice(1, -1)];

/** Shows a wrong value in an error; `hidden` are texts that must not appear, as they are or within others. */
export function show(value: unknown, hidden: readonly string[] = []): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  const appears = (secret: string) => secret.trim() !== "" && forms(secret).some((form) => text.includes(form));
  // A private key or a passphrase can land under the wrong key.
  if (text.includes("PRIVATE KEY") || hidden.some(appears)) return mask;
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

/** Takes secrets out of a finished sentence; shorter ones than 6 characters would take words with them. */
export function redact(sentence: string, hidden: readonly string[]): string {
  return hidden
    .flatMap(forms)
    .filter((secret) => secret.length >= 6)
    .reduce((left, secret) => left.replaceAll(secret, mask), sentence);
}
