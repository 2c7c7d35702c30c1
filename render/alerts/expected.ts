import type { ExpectedCluster } from "./clusterDumps.js";
import type { ExpectedDump } from "./dumps.js";
import type { ExpectedExports } from "./exports.js";

/** A container whose data volume is on a host, both by the names that the metrics carry. */
export interface ExpectedVolume {
  /** Label `instance` of the container's targets. */
  readonly name: string;
  /** Label `instance` of its Incus host's target. */
  readonly host: string;
  /** Label `volume` of the host's volume metrics. */
  readonly volume: string;
}

export interface ExpectedDataNode extends ExpectedVolume {
  readonly volumeBytes: number;
}

/**
 * Who must report: a series that is missing fires nothing, so every alert that compares one has its absence watched
 * by name.
 */
export interface Expected {
  readonly stanza: string;
  /** pgBackRest's repository numbers. */
  readonly repositories: readonly number[];
  /** Those of them that nobody with a production key may be able to destroy. */
  readonly immutable?: readonly number[];
  readonly dataNodes: readonly ExpectedDataNode[];
  readonly monitor: ExpectedVolume;
  /** Label `instance` of the host that runs the restore drill. */
  readonly drillHost: string;
  /** Postgres' archive_timeout: so long may WAL wait for its archiving on a healthy node. */
  readonly archiveTimeoutSeconds: number;
  /** Prometheus' scrape interval: expressions look back over four of them, so that a missed one changes nothing. */
  readonly scrapeIntervalSeconds: number;
  /** Absent without logical exports. */
  readonly exports?: ExpectedExports;
  /** Absent without dumps on hosts. */
  readonly dumps?: readonly ExpectedDump[];
  /** Absent without a Kubernetes cluster. */
  readonly cluster?: ExpectedCluster;
  /** Whether the coverage ledger is made. */
  readonly coverage?: boolean;
}

/** What the alert groups of the stack get. */
export interface StackAlertsArgs {
  readonly expected: Expected;
  /** First part of the drill's metric names. */
  readonly prefix: string;
}
