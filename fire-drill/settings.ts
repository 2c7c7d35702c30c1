import { parse, stringify } from "yaml";
import type { ReceiverName } from "./receiver.js";
import { rateWindowSeconds, timeScales } from "./scale.js";
import type { Phase } from "./scenario.js";

/** Time between two signs of life of the dead man's switch while a drill runs, seconds. */
export const switchSeconds = 10;

/** The stack's settings for a phase of the drill: short bounds, and the drill as the only one who hears of alerts. */
export function drillSettings(text: string, phase: Phase, url: (receiver: ReceiverName) => string): string {
  const settings = parse(text) as { config: Record<string, unknown> };
  const { config } = settings;
  const part = (key: string) => (config[key] ?? {}) as Record<string, unknown>;
  config["restorable:alerts"] = { ...part("restorable:alerts"), timeScale: timeScales[phase], rateWindowSeconds };
  config["restorable:alerting"] = {
    ...part("restorable:alerting"),
    pager: { webhookUrl: url("pager") },
    ticket: { webhookUrl: url("ticket") },
    deadMansSwitch: { webhookUrl: url("deadMansSwitch"), intervalSeconds: switchSeconds },
    groupWaitSeconds: 1,
    groupIntervalSeconds: 5,
  };
  for (const name of ["pager", "ticket", "deadMansSwitch"]) delete config[`restorable:${name}WebhookUrl`];
  return stringify(settings);
}
