import { z } from "zod";

/** Single values as they occur in the settings. The message of each says what is allowed. */

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
/** Unicast addresses that can belong to another machine: no 0.x, no loopback, no multicast. */
const ipv4 = new RegExp(`^(?!0\\.|127\\.|22[4-9]\\.|23\\d\\.|24\\d\\.|25[0-5]\\.)${octet}(?:\\.${octet}){3}$`);
const dnsName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Text of one line that matches `pattern`; `allowed` completes "must be". */
export const text = (pattern: RegExp, allowed: string) => z.string(allowed).regex(pattern, allowed);

export const oneOf = <const T extends readonly string[]>(...values: T) =>
  z.enum(values, `one of ${values.map((value) => `"${value}"`).join(", ")}`);

export const flag = () => z.boolean("true or false");

/** A whole number within both bounds, in the unit that is named. */
export function integer(min: number, max: number, unit = "") {
  const allowed = `a whole number from ${min} to ${max}${unit && ` ${unit}`}`;
  return z.int(allowed).min(min, allowed).max(max, allowed);
}

/** A number above zero, fractions included. */
export function positive(max: number) {
  const allowed = `a number above 0, up to ${max}`;
  return z.number(allowed).positive(allowed).max(max, allowed);
}

export const ipv4Address = () => text(ipv4, "an IPv4 address of a machine, such as 10.77.0.12");

export const ipv4Network = () =>
  text(new RegExp(`^${octet}(?:\\.${octet}){3}/(?:3[0-2]|[12]?\\d)$`), "an IPv4 network such as 10.0.0.0/8");

export const hostOrAddress = () => {
  const allowed = "a lower-case DNS name or an IPv4 address, without scheme, port or path";
  return z.string(allowed).refine((value) => ipv4.test(value) || dnsName.test(value), allowed);
};

/** Name of an Incus instance, of a host or of a member of the formation. */
export const instanceName = () =>
  text(
    /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "a name of 1 to 63 lower-case letters, digits and hyphens that starts with a letter and does not end with a hyphen",
  );

/** Name of an Incus project, storage pool or stanza. */
export const plainName = () =>
  text(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, "a name of letters, digits, hyphens and underscores, up to 63 characters");

/** Postgres identifier that needs no quotes anywhere. */
export const identifier = () =>
  text(
    /^(?!pg_|pgautofailover)[a-z_][a-z0-9_]{0,62}$/,
    "a name of lower-case letters, digits and underscores that starts with neither a digit nor pg_",
  );

export const size = () =>
  text(/^[1-9]\d{0,5}(?:MiB|GiB|TiB)$/, "a size with its binary unit: MiB, GiB or TiB, such as 10GiB");

/** Absolute path that needs no quotes in a shell, a unit file or a configuration file. */
export const absolutePath = () =>
  text(
    /^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._-]+)+$/,
    'an absolute path of letters, digits, dots, hyphens and underscores, without "..", not ending with a slash',
  );

/** Path of a file here, on the machine that runs Pulumi. */
export const localPath = () => text(/^\S(?:[^\n\r]*\S)?$/, "the path of a file, absolute or relative to Pulumi.yaml");

export const calendar = () =>
  text(/^[A-Za-z0-9*][A-Za-z0-9*:.,/~+ _-]*$/, "a systemd calendar expression, such as Sun *-*-* 02:00:00 UTC");

export const label = () =>
  text(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, "a label of letters, digits, dots, slashes, hyphens and underscores");
