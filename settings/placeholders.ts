/** Values that stand for "put yours here". None of them may reach a host. */

/** Well-known examples: of this project's documents, of S3 vendors, of every second tutorial. Compared without case. */
const examples = [
  "correct-horse-battery-staple",
  "correct horse battery staple",
  "a-long-passphrase-of-your-own",
  "AKIAIOSFODNN7EXAMPLE",
  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  "minioadmin",
  "password",
  "passphrase",
  "postgres",
  "secret",
  "example",
  "dummy",
  "test",
  "todo",
  "none",
  "null",
  "undefined",
];
const known = new Set(examples.map((example) => example.toLowerCase()));

/** True for text that was never meant as a value: `CHANGE_ME...`, `placeholder`, `<...>`. */
export function isPlaceholder(value: string): boolean {
  const text = value.trim();
  return (
    /change[-_. ]?me/i.test(text) ||
    /^\W*place[-_ ]?holder/i.test(text) ||
    /^(?:<[^<>]*>|\$?\{\{?[^{}]*\}?\})$/.test(text)
  );
}

/** True for a text that is a placeholder, an example or one character repeated: no secret. */
export function isPlaceholderSecret(value: string): boolean {
  const text = value.trim();
  if (isPlaceholder(text) || known.has(text.toLowerCase())) return true;
  return /^(?:example|your|my|insert)[-_ ]/i.test(text) || /EXAMPLE(?:KEY)?$/.test(text) || /^(.)\1*$/s.test(text);
}

/** True for addresses and names that are reserved for documentation (RFC 5737, RFC 2606). */
export function isDocumentationAddress(value: string): boolean {
  return (
    /^(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$/.test(value) || /(?:^|\.)example(?:\.(?:com|net|org))?$/i.test(value)
  );
}
