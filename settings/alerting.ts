import { z } from "zod";
import { integer, text } from "./fields.js";

const webhookUrl = (secret: string) =>
  z
    .exactOptional(webhook())
    .describe(`Webhook that alerts are posted to. With a token in it, use the secret \`${secret}\` instead.`);

const webhook = () => text(webhookPattern, "an http or https URL");

/** What a webhook's URL looks like, secret or not: goes between double quotes in YAML as it is. */
export const webhookPattern = /^https?:\/\/[^\s"'\\]+$/;

/** Who hears of alerts, and how often. */
export const alertingSchema = z.strictObject({
  pager: z
    .strictObject({ webhookUrl: webhookUrl("pagerWebhookUrl") })
    .prefault({})
    .describe("Wakes somebody up."),
  ticket: z
    .strictObject({ webhookUrl: webhookUrl("ticketWebhookUrl") })
    .prefault({})
    .describe("Read in working hours."),
  deadMansSwitch: z
    .strictObject({
      webhookUrl: webhookUrl("deadMansSwitchWebhookUrl"),
      intervalSeconds: integer(5, 86400, "seconds")
        .default(60)
        .describe("Time between two signs of life, seconds; who receives them raises the alarm when they stop."),
    })
    .prefault({})
    .describe("Watches the monitoring itself from outside."),
  groupWaitSeconds: integer(0, 3600, "seconds")
    .default(10)
    .describe("First notification of a group waits this long for more of the same, seconds."),
  groupIntervalSeconds: integer(1, 86400, "seconds")
    .default(60)
    .describe("News on a group, its end included, are sent at most this often, seconds."),
  repeatIntervalHours: integer(1, 168, "hours")
    .default(4)
    .describe("An alert that stays is sent again after this, hours."),
});
