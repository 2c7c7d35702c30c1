/**
 * What on-call does with an alert: `critical` now, `warning` in working hours unless {@link Alert.page} is set,
 * `info` nothing. `none` is the dead man's switch alone: nobody is called while it fires.
 */
export type Severity = "critical" | "warning" | "info" | "none";

/** One alerting rule before it is laid out as Prometheus wants it. */
export interface Alert {
  /** CamelCase; its kebab-case form names the runbook page. */
  readonly name: string;
  /** PromQL. */
  readonly expr: string;
  /** Seconds the expression must hold before the alert fires; 0 for one that tells of an event. */
  readonly forSeconds: number;
  readonly severity: Severity;
  /** Reaches the pager whatever its severity (label `page: "true"`). */
  readonly page?: boolean;
  /** Labels beside severity and page. */
  readonly labels?: Readonly<Record<string, string>>;
  /** One static sentence: equal for every instance of the alert, so that notifications group. */
  readonly summary: string;
  /**
   * Prometheus template: what exactly is wrong, and how to look. Its `$labels` are those of the expression, without
   * {@link Alert.labels}.
   */
  readonly description: string;
}

/** Seconds as a Prometheus duration in its largest whole unit: 30 -> `30s`, 300 -> `5m`, 3600 -> `1h`. */
export function prometheusDuration(seconds: number): string {
  const units = [
    ["d", 86400],
    ["h", 3600],
    ["m", 60],
  ] as const;
  for (const [unit, size] of units) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}
