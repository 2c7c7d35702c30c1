import type { StackAlertsArgs } from "./expected.js";
import { series } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration, type Severity } from "./types.js";

/** Alerts on volumes, certificates and timers. Those in two steps fire once: the worse one takes over. */
export function hostAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const { latest } = series(expected);
  const used = `${latest("restorable_volume_used_bytes")} / ${latest("restorable_volume_size_bytes")}`;
  const filling = (severity: Severity, expr: string, summary: string): Alert => ({
    name: "DataVolumeFilling",
    expr,
    forSeconds: limits.dataVolumeForSeconds,
    severity,
    summary,
    description:
      "Volume {{ $labels.volume }} on {{ $labels.instance }} is used to {{ $value | humanizePercentage }}. " +
      "Look in its container what takes the space: `du -xh -d 3 /var/lib/postgresql | sort -h | tail`.",
  });
  const left = `${latest("restorable_certificate_expiry_timestamp_seconds")} - time()`;
  const expiring = (severity: Severity, expr: string, bound: number): Alert => ({
    name: "CertificateExpiring",
    expr,
    forSeconds: limits.certificateForSeconds,
    severity,
    summary: `A certificate ends within ${prometheusDuration(bound)}.`,
    description:
      "{{ $labels.file }} on {{ $labels.instance }} ends in {{ $value | humanizeDuration }}. An update renews " +
      "certificates near their end: `pulumi up`.",
  });
  const { dataVolumeRatio, dataVolumeFullRatio, certificateExpirySeconds, certificateLastCallSeconds } = limits;
  return [
    filling(
      "warning",
      `(${used} > ${dataVolumeRatio}) <= ${dataVolumeFullRatio}`,
      "A data volume fills up: enlarge it in time.",
    ),
    filling("critical", `${used} > ${dataVolumeFullRatio}`, "A data volume is almost full: Postgres stops when it is."),
    expiring(
      "warning",
      `(${left} < ${certificateExpirySeconds}) >= ${certificateLastCallSeconds}`,
      certificateExpirySeconds,
    ),
    expiring("critical", `${left} < ${certificateLastCallSeconds}`, certificateLastCallSeconds),
    {
      name: "TimerInactive",
      expr: `${latest("restorable_timer_active")} == 0`,
      forSeconds: limits.timerInactiveForSeconds,
      severity: "warning",
      page: true,
      summary: "A timer that backups or their proof rest on does not run.",
      description:
        "{{ $labels.timer }} on {{ $labels.instance }} is not active. " +
        "Look there: `systemctl status {{ $labels.timer }}`.",
    },
  ];
}
