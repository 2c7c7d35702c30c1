import { type IniSection, renderIni } from "./ini.js";

/** Where unit files of the administrator stand. */
export const UNIT_DIRECTORY = "/etc/systemd/system";

/** Path on the host to file content. */
export type UnitFiles = Record<string, string>;

/**
 * Renders one unit file. Keys may repeat (`Environment=`, `After=`); booleans become `yes` and `no`.
 *
 * @throws Error naming section and key when a value would break out of its line, or ends in a backslash, which
 *   systemd reads as "continued on the next line".
 */
export function renderUnit(sections: readonly IniSection[]): string {
  for (const { name, entries } of sections) {
    const continued = entries.find(([, value]) => String(value).endsWith("\\"));
    if (continued) throw new Error(`[${name}] ${continued[0]}: the value ends in a backslash`);
  }
  return renderIni(sections, { yes: "yes", no: "no" });
}

/** Names of those units that have an `[Install]` section: the ones to enable. */
export function unitsToEnable(files: UnitFiles): string[] {
  return Object.entries(files)
    .filter(([, content]) => /^\[Install\]$/m.test(content))
    .map(([path]) => path.slice(path.lastIndexOf("/") + 1));
}

/** Path of a unit by its name. */
export function unitPath(name: string): string {
  return `${UNIT_DIRECTORY}/${name}`;
}

/**
 * Escapes `%` (specifiers) for a value that is meant literally.
 */
export function literal(value: string): string {
  return value.replaceAll("%", "%%");
}

/**
 * Several unit files as one text: each after a line with its path, `# /etc/systemd/system/NAME`. It reads well in
 * a preview; `install_units` in scripts/host/lib.sh takes it apart.
 */
export function joinUnits(files: UnitFiles): string {
  return Object.entries(files)
    .map(([path, content]) => `# ${path}\n${content}`)
    .join("");
}
