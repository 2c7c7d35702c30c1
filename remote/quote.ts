/** Quotes one word for a POSIX shell. Plain words stay as they are, so that previews read well. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `NAME='value'` lines for a shell that evaluates them; every value is quoted, newlines included. */
export function assignments(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join("");
}
