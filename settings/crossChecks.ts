import { alertChecks } from "./alertChecks.js";
import { type Draft, draft, object, type Place } from "./draft.js";
import { dumpsChecks } from "./dumps.js";
import { exportsChecks } from "./exports.js";
import { kubernetesChecks } from "./kubernetesChecks.js";
import { nearest } from "./nearest.js";
import { offsiteChecks } from "./offsiteChecks.js";
import { keyOf, type Problem } from "./problems.js";
import { recoverFromProblems } from "./recoverFrom.js";

/** The name of the drill's copy; kept copies carry it as the first part of theirs. */
const drillContainer = "pg-restore-drill";

/**
 * Checks of settings against each other. They look at the raw configuration, so that they report beside the problems
 * of single values instead of after them.
 */
export function crossChecks(raw: Record<string, unknown>): Problem[] {
  const all = draft(raw);
  return [
    ...names(all),
    ...addresses(all),
    ...references(raw, all),
    ...quorum(raw, all),
    ...healthCheck(raw),
    ...limits(raw, all),
    ...store(all),
    ...offsiteChecks(raw, all),
    ...exportsChecks(raw),
    ...dumpsChecks(raw, [...all.hosts, ...all.dumpHosts]),
    ...kubernetesChecks(raw),
    ...keyChoice(all),
    ...monitoring(raw),
    ...recoverFromProblems(object(raw.recoverFrom), [
      ...all.repositories.map(({ number }, index) => number ?? index + 1),
      ...(raw.offsite === undefined ? [] : [2]),
    ]),
    ...alertChecks(raw),
    ...(raw.environment === "prod" && raw.generateSecrets === true
      ? [
          {
            path: ["generateSecrets"],
            message:
              "true is refused in prod: backups whose passphrase exists only in the stack's state are lost with it; set the secrets instead",
          },
        ]
      : []),
  ];
}

/** Reports every place whose value an earlier one has already. */
function repeated(places: Place[], key: "name" | "address", value: (place: Place) => string | undefined): Problem[] {
  const seen = new Map<string, Place>();
  return places.flatMap((place) => {
    const current = value(place);
    if (current === undefined) return [];
    const first = seen.get(current);
    if (!first) {
      seen.set(current, place);
      return [];
    }
    return [{ path: [...place.path, key], message: `"${current}" is taken by ${keyOf([...first.path, key])}` }];
  });
}

function names({ hosts, dumpHosts, members }: Draft): Problem[] {
  const reserved = members
    .filter(({ name }) => name?.startsWith(drillContainer))
    .map(({ path, name }) => ({
      path: [...path, "name"],
      message: `"${name}" is refused: names that begin with ${drillContainer} belong to the drill, which removes them`,
    }));
  return [...repeated([...hosts, ...dumpHosts, ...members], "name", ({ name }) => name), ...reserved];
}

function addresses({ hosts: incusHosts, dumpHosts, members }: Draft): Problem[] {
  const hosts = [...incusHosts, ...dumpHosts];
  const endpoint = ({ address, value }: Place) => address && `${address} port ${value.port ?? 22}`;
  return [
    ...repeated(hosts, "address", endpoint),
    ...repeated([...unique(hosts), ...members], "address", ({ address }) => address).filter(
      ({ path }) => path[0] !== "hosts" && path[0] !== "dumps",
    ),
  ];
}

const unique = (places: Place[]) =>
  places.filter(({ address }, index) => places.findIndex((other) => other.address === address) === index);

function references(raw: Record<string, unknown>, { hosts, members }: Draft): Problem[] {
  const known = hosts.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const drill = object(raw.drill).host;
  const prometheus = raw.prometheus === undefined ? [] : [{ path: ["prometheus"], host: object(raw.prometheus).host }];
  const all = [...members.map(({ path, host }) => ({ path, host })), { path: ["drill"], host: drill }, ...prometheus];
  return all.flatMap(({ path, host }) => {
    if (typeof host !== "string" || known.includes(host)) return [];
    const guess = nearest(host, known);
    const allowed = known.map((name) => `"${name}"`).join(", ") || "none is there";
    return [
      {
        path: [...path, "host"],
        message: `"${host}" is none of the hosts (${allowed})${guess ? `; did you mean "${guess}"?` : ""}`,
      },
    ];
  });
}

function quorum(raw: Record<string, unknown>, { dataNodes }: Draft): Problem[] {
  const number = object(raw.formation).numberSyncStandbys;
  if (typeof number !== "number" || number <= 0 || dataNodes < 2 || number < dataNodes - 1) return [];
  const path = ["formation", "numberSyncStandbys"];
  if (dataNodes === 2) {
    return [
      {
        path,
        message: `${number} is refused with two data nodes: pg_auto_failover takes it only from three on. With 0 commits wait for the standby all the same, and become asynchronous only once the monitor has declared it lost. Allowed: 0, or a third data node`,
      },
    ];
  }
  return [
    {
      path,
      message: `${number} is refused with ${dataNodes} data nodes: one standby more than must acknowledge has to exist, or the loss of one stops all commits. Allowed: 0 to ${dataNodes - 2}`,
    },
  ];
}

function healthCheck(raw: Record<string, unknown>): Problem[] {
  const given = object(object(raw.formation).healthCheck);
  const value = (key: string, fallback: number) => (typeof given[key] === "number" ? (given[key] as number) : fallback);
  const round =
    value("periodMs", 1000) +
    value("timeoutMs", 1000) +
    value("maxRetries", 1) * (value("retryDelayMs", 500) + value("timeoutMs", 1000));
  const unhealthy = value("unhealthyTimeoutMs", 4000);
  if (unhealthy >= round) return [];
  return [
    {
      path: ["formation", "healthCheck", "unhealthyTimeoutMs"],
      message: `${unhealthy} is too short: one round of checks with its retries takes up to ${round} ms, and a node would be taken for dead before it is over. Allowed: ${round} or more`,
    },
  ];
}

function limits(raw: Record<string, unknown>, { repositories }: Draft): Problem[] {
  const drill = object(raw.drill);
  const number = (value: unknown, fallback: number) => (typeof value === "number" ? value : fallback);
  const [limit, bound] = [number(drill.timeLimitSeconds, 3600), number(drill.rtoBoundSeconds, 1800)];
  const tooLong =
    bound > limit
      ? [
          {
            path: ["drill", "rtoBoundSeconds"],
            message: `${bound} is more than timeLimitSeconds (${limit}): the drill would be ended before its bound`,
          },
        ]
      : [];
  const archive = repositories.flatMap((repository, index) => {
    const [kept, full] = [repository.retentionArchive, number(repository.retentionFull, 4)];
    if (typeof kept !== "number" || kept <= full) return [];
    const message = `${kept} is more than retentionFull (${full}): WAL is useful only from a backup that is kept`;
    return [{ path: ["backup", "repositories", index, "retentionArchive"], message }];
  });
  return [...tooLong, ...archive];
}

/** The stack's own store is there for a repository: one of them must point to it. */
function store({ objectStore, repositories }: Draft): Problem[] {
  if (!objectStore || typeof objectStore.address !== "string" || repositories.length === 0) return [];
  const port = objectStore.port ?? 9000;
  if (repositories.some((it) => it.endpoint === objectStore.address && (it.port ?? 443) === port)) return [];
  return [
    {
      path: ["objectStore", "address"],
      message: `"${objectStore.address}" port ${port} is not the endpoint of any repository: set backup.repositories[0].endpoint and port to it`,
    },
  ];
}

function monitoring(raw: Record<string, unknown>): Problem[] {
  if (raw.monitoring === undefined || raw.prometheus === undefined) return [];
  const message = "is set beside monitoring: rules and scrape jobs go to one Prometheus; remove one of the two";
  return [{ path: ["prometheus"], message }];
}

function keyChoice({ hosts, dumpHosts }: Draft): Problem[] {
  return [...hosts, ...dumpHosts].flatMap(({ path, value }) => {
    const given = ["hostKey", "hostKeyFile"].filter((key) => value[key] !== undefined);
    if (given.length === 1) return [];
    const message =
      given.length === 0
        ? "is missing: give the host's public SSH key here or in hostKeyFile (ssh-keyscan -t ed25519 ADDRESS, compared with the host's own file)"
        : "is set beside hostKeyFile: remove one of the two";
    return [{ path: [...path, "hostKey"], message }];
  });
}
