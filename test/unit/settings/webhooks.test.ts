import { describe, expect, it } from "vitest";
import { configuredReceivers, parseSettings, receiverWarnings } from "../../../settings.js";
import { changed, goodSecrets, refusal } from "./fixture.js";

const monitoring = { host: "host-b", address: "10.1.0.30" };
const url = "https://hooks.veza.fr/9fK2xQ7vLm4TzR8w";

describe("monitoring", () => {
  it("is refused beside a Prometheus that exists", () => {
    const error = refusal(changed({ monitoring, prometheus: { host: "host-a" } }));
    expect(error.keys).toEqual(["restorable:prometheus"]);
  });

  it.each([
    ["monitoring.address", { monitoring: { ...monitoring, address: "10.1.0.12" } }],
    ["monitoring.name", { monitoring: { ...monitoring, name: "pgaf-primary" } }],
    ["monitoring.host", { monitoring: { ...monitoring, host: "host-c" } }],
    ["prometheus.host", { prometheus: { host: "host-c" } }],
  ])("takes part in the checks of names, addresses and hosts: %s", (key, values) => {
    expect(refusal(changed(values)).keys).toEqual([`restorable:${key}`]);
  });
});

describe("webhooks", () => {
  it.each([
    ["a placeholder", "CHANGE_ME"],
    ["no URL", "hooks.veza.fr/9fK2xQ7vLm4TzR8w"],
    ["a URL that would break out of its quotes", 'https://hooks.veza.fr/"x'],
    ["two lines", `${url}\nx`],
  ])("refused as secrets: %s", (_, value) => {
    const error = refusal(changed({ monitoring }), { ...goodSecrets, pagerWebhookUrl: value });
    expect(error.keys).toEqual(["restorable:pagerWebhookUrl"]);
    expect(error.message).not.toContain("9fK2xQ7vLm4TzR8w");
  });

  it("are refused in prod when they are stored in clear text", () => {
    const isEncrypted = (name: string) => name !== "ticketWebhookUrl";
    const secrets = { ...goodSecrets, ticketWebhookUrl: url, pagerWebhookUrl: url };
    expect(refusal(changed({ monitoring }), secrets, { isEncrypted }).keys).toEqual(["restorable:ticketWebhookUrl"]);
  });

  it("come from one place, and need an Alertmanager", () => {
    const twice = changed({ monitoring, "alerting.pager": { webhookUrl: url } });
    expect(refusal(twice, { ...goodSecrets, pagerWebhookUrl: url }).keys).toEqual(["restorable:pagerWebhookUrl"]);
    expect(refusal(changed({ "alerting.pager": { webhookUrl: url } })).keys).toEqual([
      "restorable:alerting.pager.webhookUrl",
    ]);
    const foreign = changed({ prometheus: { host: "host-b" } });
    expect(refusal(foreign, { ...goodSecrets, ticketWebhookUrl: url }).keys).toEqual(["restorable:ticketWebhookUrl"]);
  });

  it("that are not there are warned of, where the stack configures Alertmanager", () => {
    const warnings = (values: Record<string, unknown>, ...secrets: string[]) => {
      const settings = parseSettings(changed(values), goodSecrets);
      return receiverWarnings(settings, configuredReceivers(settings, secrets));
    };
    expect(warnings({})).toEqual([]);
    expect(warnings({ monitoring })).toEqual([
      expect.stringContaining("nobody will be paged"),
      expect.stringContaining("warnings reach nobody"),
      expect.stringContaining("nobody will notice"),
    ]);
    const plain = { monitoring, "alerting.deadMansSwitch": { webhookUrl: url } };
    expect(warnings(plain, "pagerWebhookUrl", "ticketWebhookUrl")).toEqual([]);
  });
});
