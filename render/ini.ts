/**
 * One `key=value` line. A key may stand several times: pgBackRest and systemd both read that as a list.
 */
export type IniEntry = readonly [key: string, value: string | number | boolean];

/** One `[name]` section with its lines in the order given. */
export interface IniSection {
  readonly name: string;
  readonly entries: readonly IniEntry[];
}

/** How a format spells true and false. */
export interface IniStyle {
  readonly yes: string;
  readonly no: string;
}

/**
 * Renders sections as text that ends in one newline.
 *
 * @throws Error naming section and key when a name, key or value would break out of its line. The value itself
 *   is never part of the message: it may be a secret.
 */
export function renderIni(sections: readonly IniSection[], style: IniStyle): string {
  return sections.map((section) => `${renderSection(section, style).join("\n")}\n`).join("\n");
}

function renderSection(section: IniSection, style: IniStyle): string[] {
  if (!/^[^\s[\]][^\r\n[\]]*$/.test(section.name)) {
    throw new Error(`section name ${JSON.stringify(section.name)} does not fit on one line between brackets`);
  }
  return [`[${section.name}]`, ...section.entries.map((entry) => renderEntry(section.name, entry, style))];
}

function renderEntry(section: string, [key, raw]: IniEntry, style: IniStyle): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(key)) {
    throw new Error(`[${section}] key ${JSON.stringify(key)} may hold letters, digits, dashes and underscores only`);
  }
  const value = typeof raw === "boolean" ? (raw ? style.yes : style.no) : String(raw);
  const where = `[${section}] ${key}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(value)) throw new Error(`${where}: the value holds a control character`);
  if (value !== value.trim()) throw new Error(`${where}: the value begins or ends with a blank`);
  return `${key}=${value}`;
}
