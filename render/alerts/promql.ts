import type { Expected } from "./expected.js";
import { prometheusDuration } from "./types.js";

/** `{a="b",c=~"d"}`; a key that ends in `=~` or `!~` matches by regular expression, which leaves no label in `absent()`. */
export function selector(labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([key, value]) => {
    const operator = /(?:=~|!~)$/.exec(key)?.[0] ?? "=";
    return `${key.replace(/[=!]~$/, "")}${operator}${JSON.stringify(value)}`;
  });
  return `{${matchers.join(",")}}`;
}

/** Writes expressions on one stack's series. */
export interface Series {
  /** The newest sample of each series, also when the last scrapes were missed. */
  latest(metric: string, labels?: Readonly<Record<string, string>>): string;
  /** The series as it is: gone with the first missed scrape. */
  now(metric: string, labels?: Readonly<Record<string, string>>): string;
  /** How far {@link latest} looks back, as a duration. */
  readonly bridge: string;
  /** Keeps the nodes that take writes; to be put after an expression with label `instance`. */
  readonly onPrimary: string;
}

export function series({ stanza, scrapeIntervalSeconds }: Expected): Series {
  const bridge = prometheusDuration(4 * scrapeIntervalSeconds);
  const now: Series["now"] = (metric, labels = {}) => `${metric}${selector({ stanza, ...labels })}`;
  const latest: Series["latest"] = (metric, labels) => `last_over_time(${now(metric, labels)}[${bridge}])`;
  return {
    now,
    latest,
    bridge,
    onPrimary: `and on (instance) (${latest("restorable_postgres_in_recovery")} == 0)`,
  };
}
