const units: Record<string, number> = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** `2GiB` or `512MiB` in MiB. */
export function mebibytes(size: string): number {
  const [, number, unit = ""] = /^(\d+)([MGT]iB)$/.exec(size) ?? [];
  const factor = units[unit];
  if (factor === undefined) throw new Error(`size ${size}: expected a number with MiB, GiB or TiB`);
  return Number(number) * factor;
}
