import { type AlertThresholds, defaultThresholds, scaleThresholds } from "../render/alerts/thresholds.js";
import type { Phase } from "./scenario.js";

/** `alerts.timeScale` of each phase: the first makes 5 min 15 s, the second 8 days 2.5 min. */
export const timeScales: Record<Phase, number> = { short: 0.05, days: 0.00022 };

/** Window of every rate in a drill, seconds: no scale touches it, and it is how long an error is remembered. */
export const rateWindowSeconds = 60;

const scaled = (phase: Phase): AlertThresholds =>
  scaleThresholds({ ...defaultThresholds, rateWindowSeconds }, timeScales[phase]);

/** Thresholds while a phase runs. */
export const limits: Record<Phase, AlertThresholds> = { short: scaled("short"), days: scaled("days") };

/** Seconds until what is written each minute is in Prometheus: the minute, the job's own time, a scrape. */
export const minutely = 75;
/** As `minutely`, for what the monitor writes every 15 seconds. */
export const quarterly = 25;
/** Seconds until what is scraped is in Prometheus. */
export const scraped = 10;
