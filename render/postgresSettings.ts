/** Milliseconds of the monitor's health checks; see docs/failover.md for the trade-off. */
export interface HealthCheck {
  periodMs: number;
  timeoutMs: number;
  retryDelayMs: number;
  maxRetries: number;
  unhealthyTimeoutMs: number;
  primaryDemoteTimeoutMs: number;
}

const lines = (values: Record<string, string | number>) =>
  Object.entries(values)
    .map(([key, value]) => `${key} = ${typeof value === "number" ? value : `'${value}'`}`)
    .join("\n");

/** Settings of the monitor's own cluster: when it takes a node for dead. */
export function monitorSettings(check: HealthCheck): string {
  return lines({
    "pgautofailover.health_check_period": `${check.periodMs}ms`,
    "pgautofailover.health_check_timeout": `${check.timeoutMs}ms`,
    "pgautofailover.health_check_retry_delay": `${check.retryDelayMs}ms`,
    "pgautofailover.health_check_max_retries": check.maxRetries,
    "pgautofailover.node_considered_unhealthy_timeout": `${check.unhealthyTimeoutMs}ms`,
    "pgautofailover.primary_demote_timeout": `${check.primaryDemoteTimeoutMs}ms`,
    log_statement: "none",
  });
}

/**
 * Settings of a data node, alike on all of them, since a base backup copies them.
 * `archive_mode` is on from the first start, with no command until pgBackRest is there: WAL is kept, none is lost.
 */
export function nodeSettings(args: { memoryMiB: number; walSenderTimeoutMs?: number }): string {
  return lines({
    archive_mode: "on",
    shared_buffers: `${Math.max(32, Math.floor(args.memoryMiB / 4))}MB`,
    // pg_auto_failover asks for 8 GB, all of which pg_rewind would copy.
    wal_keep_size: "512MB",
    // An isolated primary notices its dead standby, and stops, only after this time.
    wal_sender_timeout: `${args.walSenderTimeoutMs ?? 5000}ms`,
    log_statement: "none",
  });
}
