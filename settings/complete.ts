import { completeKubernetes, type Kubernetes } from "./kubernetes.js";
import { completeOffsite, type Offsite } from "./offsite.js";
import type { ParsedSettings } from "./schema.js";

type Formation = ParsedSettings["formation"];
export type Host = ParsedSettings["hosts"][number];
type ParsedRepository = ParsedSettings["backup"]["repositories"][number];
/** What a repository keeps: so many backups, or those of so many days. */
export type Retention = { type: "count"; full: number; diff: number; archive: number } | { type: "time"; days: number };
/** systemd calendar expressions of what runs for a repository. */
export type RepositoryTimers = Record<"full" | "diff" | "drill", string>;
/** One pgBackRest repository: number 1 on site, number 2 off site. */
export type Repository = Omit<ParsedRepository, "number" | "retentionFull" | "retentionDiff" | "retentionArchive"> & {
  number: number;
  retention: Retention;
  timers: RepositoryTimers;
};
export type FormationNode = Formation["nodes"][number] & { name: string };

/** Configuration of a stack without its secrets, every default filled in. */
export type Settings = Omit<ParsedSettings, "formation" | "backup" | "drill" | "offsite" | "kubernetes"> & {
  formation: Omit<Formation, "nodes" | "numberSyncStandbys"> & {
    /** The first one registers first and becomes the primary. */
    nodes: [FormationNode, FormationNode, ...FormationNode[]];
    numberSyncStandbys: number;
  };
  backup: Omit<ParsedSettings["backup"], "repositories" | "timers"> & {
    repositories: Repository[];
    randomizedDelaySeconds: number;
  };
  offsite?: Offsite;
  kubernetes?: Kubernetes;
  drill: ParsedSettings["drill"] & { database: string };
};

/** Name of a data node that is given none; `index` counts from 0. */
export function defaultNodeName(index: number): string {
  if (index === 0) return "pgaf-primary";
  return index === 1 ? "pgaf-replica" : `pgaf-replica-${index}`;
}

/** Standbys that must acknowledge a commit: the monitor accepts one only where two standbys are left to choose from. */
export function defaultSyncStandbys(dataNodes: number): number {
  return dataNodes >= 3 ? 1 : 0;
}

/** WAL from before the oldest backup that is kept serves nothing. */
const defaultRetentionArchive = (retentionFull: number) => Math.min(4, retentionFull);

/** Fills in the defaults that depend on other settings. */
export function complete(parsed: ParsedSettings): Settings {
  const { formation, drill, offsite: parsedOffsite, kubernetes, ...others } = parsed;
  const { timers, ...backup } = parsed.backup;
  const { randomizedDelaySeconds, ...calendars } = timers;
  const offsite = parsedOffsite && completeOffsite(parsedOffsite);
  const nodes = formation.nodes.map((node, index) => ({ ...node, name: node.name ?? defaultNodeName(index) }));
  return {
    ...others,
    formation: {
      ...formation,
      nodes: nodes as Settings["formation"]["nodes"],
      numberSyncStandbys: formation.numberSyncStandbys ?? defaultSyncStandbys(nodes.length),
    },
    backup: {
      ...backup,
      randomizedDelaySeconds,
      repositories: [
        ...backup.repositories.map(({ retentionFull, retentionDiff, retentionArchive, ...repository }) => ({
          ...repository,
          retention: {
            type: "count" as const,
            full: retentionFull,
            diff: retentionDiff,
            archive: retentionArchive ?? defaultRetentionArchive(retentionFull),
          },
          timers: calendars,
        })),
        ...(offsite ? [repositoryOf(offsite)] : []),
      ],
    },
    ...(offsite ? { offsite } : {}),
    ...(kubernetes ? { kubernetes: completeKubernetes(kubernetes) } : {}),
    drill: { ...drill, database: drill.database ?? parsed.postgres.database },
  };
}

function repositoryOf(offsite: Offsite): Repository {
  const { endpoint, port, bucket, path, region, uriStyle, retentionDays, failureDomain, timers } = offsite;
  const retention: Retention = { type: "time", days: retentionDays };
  return { number: 2, endpoint, port, bucket, path, region, uriStyle, retention, failureDomain, timers };
}
