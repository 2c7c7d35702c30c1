import { scraped } from "../scale.js";
import type { Scenario } from "../scenario.js";

/** Another time of the last escrow: what its metric says until the repair. */
const escrowMade = (seconds: string) => ({
  in: "host" as const,
  run: `file=$textfiles/restorable_escrow.prom
keep escrow.prom <"$file"
sed "s/^\\(restorable_escrow_timestamp_seconds\\) .*/\\1 ${seconds}/" "$kept/escrow.prom" >"$file.fire-drill"
chmod 0644 "$file.fire-drill"
mv "$file.fire-drill" "$file"`,
});
const repair = [
  {
    in: "host" as const,
    run: `[ ! -e "$kept/escrow.prom" ] || { install -m 0644 "$kept/escrow.prom" "$textfiles/restorable_escrow.prom"; rm -f "$kept/escrow.prom"; }`,
  },
];

/** The escrow. */
export const escrow: readonly Scenario[] = [
  {
    id: "escrow-missing",
    phase: "days",
    what: "no escrow of the present keys is known",
    disturbs: ["escrow"],
    break: [escrowMade("0")],
    repair,
    expect: [{ alert: "EscrowMissing", hearer: "pager", detectSeconds: scraped }],
    silenceSeconds: 60,
  },
  {
    id: "escrow-old",
    phase: "days",
    what: "the last escrow is half a year old",
    disturbs: ["escrow"],
    break: [escrowMade("$(($(date +%s) - 15552000))")],
    repair,
    expect: [{ alert: "EscrowStale", hearer: "ticket", detectSeconds: scraped }],
    silenceSeconds: 60,
  },
];
