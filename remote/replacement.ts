/** What a look at the host told about a container; unknown when there was no look. */
export type Standing = { known: false } | { known: true; image?: string; role?: string };

/** A container of a formation: the image it is to be made from, and how it stands. */
export interface Replaceable {
  name: string;
  image: string;
  standing: Standing;
}

/**
 * Order in which data nodes' containers are replaced, the present primary last; undefined when none of them nor the
 * monitor's is made from another image than wanted, so that all may be worked on side by side.
 * A container that nobody looked at may be due. One without a role goes before the primary: it takes no writes.
 */
export function replacementOrder(monitor: Replaceable, nodes: readonly Replaceable[]): string[] | undefined {
  const due = ({ image, standing }: Replaceable) =>
    !standing.known || (standing.image !== undefined && standing.image !== image);
  if (![monitor, ...nodes].some(due)) return undefined;
  const last = ({ standing }: Replaceable) => Number(standing.known && standing.role === "primary");
  return [...nodes].sort((a, b) => last(a) - last(b)).map(({ name }) => name);
}
