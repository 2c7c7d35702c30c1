import { z } from "zod";
import { absolutePath, instanceName, integer, ipv4Address, oneOf, size, text } from "./fields.js";

/** Prometheus and Alertmanager in a container of the stack's own. */
export const monitoringSchema = z.strictObject({
  name: instanceName().default("monitoring").describe("Container of Prometheus and Alertmanager."),
  host: instanceName().describe("Host it runs on, by its name in `hosts`."),
  address: ipv4Address().describe("Its static address; Prometheus listens on port 9090, Alertmanager on 9093."),
  cpu: integer(1, 256, "cores").default(1).describe("CPU limit, in cores."),
  memory: size().default("512MiB").describe("Memory limit."),
  dataSize: size().default("4GiB").describe("Size of its data volume; metrics take at most four fifths of it."),
  retentionDays: integer(1, 3650, "days").default(30).describe("Days that metrics are kept."),
  scrapeIntervalSeconds: integer(1, 300, "seconds")
    .default(15)
    .describe("Time between two scrapes of a target, and between two looks at the rules, seconds."),
});

const url = () =>
  text(/^https?:\/\/[^\s"'\\/]+(?:\/[^\s"'\\]*[^\s"'\\/])?$/, "an http or https URL without a slash at its end");

/** A Prometheus that exists, on one of the hosts. */
export const prometheusSchema = z.strictObject({
  host: instanceName().describe("Host that Prometheus runs on, by its name in `hosts`."),
  rulesPath: absolutePath()
    .default("/etc/prometheus/rules/restorable.yml")
    .describe("Rule file that the stack writes there; one of Prometheus' `rule_files`."),
  scrapePath: absolutePath()
    .default("/etc/prometheus/scrape/restorable.yml")
    .describe(
      "File of scrape jobs that the stack writes there; one of Prometheus' `scrape_config_files` (2.43 or newer).",
    ),
  url: url().default("http://127.0.0.1:9090").describe("Where Prometheus answers on its own host."),
  reload: oneOf("systemctl", "http")
    .default("systemctl")
    .describe("How it is told to read its files again: `systemctl reload prometheus`, or POST /-/reload."),
  alertmanager: z
    .exactOptional(
      z.strictObject({
        configPath: absolutePath()
          .default("/etc/prometheus/alertmanager.yml")
          .describe(
            "Configuration of the Alertmanager beside it, written by the stack as a whole. Only with this key set.",
          ),
        url: url().default("http://127.0.0.1:9093").describe("Where Alertmanager answers on its own host."),
      }),
    )
    .describe("Alertmanager on the same host, when the stack is to configure it."),
});
