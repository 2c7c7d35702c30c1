import type { StackAlertsArgs } from "./expected.js";
import { selector } from "./promql.js";
import type { AlertThresholds } from "./thresholds.js";
import { type Alert, prometheusDuration } from "./types.js";

/** Alerts on the escrow: without one, a site that is lost takes the keys of its backups with it. */
export function escrowAlerts({ expected }: StackAlertsArgs, limits: AlertThresholds): Alert[] {
  const metric = `restorable_escrow_timestamp_seconds${selector({ instance: expected.drillHost, stanza: expected.stanza })}`;
  const labels = { stanza: expected.stanza };
  const make = "`npm run escrow -- --stack STACK --recipient age1...` makes one.";
  return [
    {
      name: "EscrowMissing",
      expr: `${metric} == 0 or absent(${metric})`,
      forSeconds: limits.escrowMissingForSeconds,
      severity: "warning",
      page: true,
      labels,
      summary: "There is no escrow of the present keys: after the loss of the site the backups cannot be read.",
      description: `Stanza ${expected.stanza}: none was made, or a key or passphrase has changed since. ${make}`,
    },
    {
      name: "EscrowStale",
      expr: `time() - ${metric} > ${limits.escrowStaleSeconds} unless ${metric} == 0`,
      forSeconds: limits.escrowStaleForSeconds,
      severity: "warning",
      labels,
      summary: "The escrow is old: nobody has made or moved one for long.",
      description:
        `Stanza ${expected.stanza}: the last escrow is {{ $value | humanizeDuration }} old ` +
        `(limit ${prometheusDuration(limits.escrowStaleSeconds)}). ${make}`,
    },
  ];
}
