import type { Settings } from "./complete.js";

const listed = (names: string[]) => `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/**
 * What would be lost together: sentences to show at preview. Any data node may be the primary one day, so every pair in
 * one domain counts.
 */
export function failureDomainWarnings(settings: Settings): string[] {
  const { hosts, formation, backup } = settings;
  const domainOf = (host: string) => hosts.find(({ name }) => name === host)?.failureDomain;
  const byDomain = new Map<string, string[]>();
  for (const { name, host } of formation.nodes) {
    const domain = domainOf(host);
    if (domain !== undefined) byDomain.set(domain, [...(byDomain.get(domain) ?? []), name]);
  }
  const monitor = domainOf(formation.monitor.host);
  const primary = formation.nodes[0];
  const [onSite, offSite] = backup.repositories;
  return [
    ...[...byDomain].flatMap(([domain, names]) =>
      names.length < 2
        ? []
        : [
            names.length === formation.nodes.length
              ? `All data nodes (${listed(names)}) are in the failure domain ${domain}: its loss takes primary and standby together, and only a restore brings the data back.`
              : `The data nodes ${listed(names)} are in the same failure domain ${domain}: once one of them is the primary, its loss takes a standby along.`,
          ],
    ),
    ...(monitor !== undefined && byDomain.size > 1 && monitor === domainOf(primary.host)
      ? [
          `The monitor and ${primary.name}, the first primary, are in the same failure domain ${monitor}: its loss leaves nobody to promote a standby.`,
        ]
      : []),
    ...(onSite && onSite.failureDomain === offSite?.failureDomain
      ? [
          `Both repositories are in the failure domain ${onSite.failureDomain}, as backup.allow.sameFailureDomain allows: its loss takes every backup.`,
        ]
      : []),
    ...backup.repositories.flatMap(({ number, failureDomain }) => {
      const names = byDomain.get(failureDomain) ?? [];
      if (names.length === 0) return [];
      const who = names.length === 1 ? `The data node ${names[0]} is` : `The data nodes ${listed(names)} are`;
      return [
        `${who} in the same failure domain ${failureDomain} as repository ${number}: its loss takes data and backups together.`,
      ];
    }),
  ];
}
