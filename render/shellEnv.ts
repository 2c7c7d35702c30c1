const word = (value: string | number) => `'${String(value).replaceAll("'", `'\\''`)}'`;

/** Shell assignments, one per line, each value quoted. */
export function renderShellEnv(values: Record<string, string | number>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${word(value)}\n`)
    .join("");
}
