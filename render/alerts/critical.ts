import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** Alerts on the services around the database: reachability, errors, latency, Redis. */
export function criticalAlerts(limits: AlertThresholds): Alert[] {
  const window = prometheusDuration(limits.rateWindowSeconds);
  return [
    {
      name: "ServiceDown",
      expr: "up == 0",
      forSeconds: limits.serviceDownForSeconds,
      severity: "critical",
      summary: "A scrape target does not answer.",
      description: "Prometheus cannot scrape {{ $labels.instance }} of job {{ $labels.job }}.",
    },
    {
      name: "HighErrorRate",
      expr: `rate(http_requests_total{status=~"5.."}[${window}]) / rate(http_requests_total[${window}]) > ${limits.errorRatio}`,
      forSeconds: limits.errorRatioForSeconds,
      severity: "warning",
      summary: "A service keeps answering with server errors.",
      description: "{{ $labels.instance }} of job {{ $labels.job }} keeps answering with status {{ $labels.status }}.",
    },
    {
      name: "HighLatencyP99",
      expr: `histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[${window}])) > ${limits.latencyP99Seconds}`,
      forSeconds: limits.latencyP99ForSeconds,
      severity: "warning",
      summary: "The slowest hundredth of requests takes too long.",
      description:
        "The 99th percentile of {{ $labels.instance }}, job {{ $labels.job }}, is {{ $value | humanizeDuration }}" +
        ` (limit ${limits.latencyP99Seconds}s).`,
    },
    {
      name: "RedisUnreachable",
      expr: "redis_up == 0",
      forSeconds: limits.redisUnreachableForSeconds,
      severity: "critical",
      summary: "Redis does not answer its exporter.",
      description: "The exporter {{ $labels.instance }} runs, but cannot reach its Redis.",
    },
  ];
}
