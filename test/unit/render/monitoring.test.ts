import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { planMonitoring } from "../../../planMonitoring.js";
import { type Receiver, renderAlertmanagerConf } from "../../../render/alertmanagerConf.js";
import { renderAlertRules } from "../../../render/alertRules.js";
import { alertmanagerDefaults, prometheusDefaults } from "../../../render/monitoringDefaults.js";
import { renderPrometheusConf, renderScrapeFile } from "../../../render/prometheusConf.js";
import { parsePlainSettings } from "../../../settings/parse.js";
import { readStackFile } from "../../../settings/stackFile.js";
import { args } from "../../alerts/args.js";
import { promtool } from "../../alerts/promtool.js";

const planned = (stack: string, receivers: Receiver[] = []) =>
  planMonitoring(parsePlainSettings(readStackFile(stack).raw, { stack }), `restorable-${stack}`, new Set(receivers));
const golden = (name: string) => join(import.meta.dirname, "golden", name);

const lab = () => {
  const { prometheus } = planned("lab");
  if (!prometheus) throw new Error("the lab has no monitoring");
  return renderPrometheusConf(prometheus);
};
const alertmanager = (...receivers: Receiver[]) => renderAlertmanagerConf(planned("prod", receivers).alertmanager);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "restorable-monitoring-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("prometheus.yml", () => {
  it("is as in the golden file for the lab", async () => {
    await expect(lab()).toMatchFileSnapshot(golden("prometheus.lab.yml"));
  });

  it("is accepted by promtool, with the rules", async () => {
    const rules = renderAlertRules(args);
    writeFileSync(join(directory, "rules.yml"), rules);
    writeFileSync(
      join(directory, "prometheus.yml"),
      lab().replace("/etc/prometheus/rules/restorable.yml", "rules.yml"),
    );
    expect(await promtool(directory, "check", "config", "prometheus.yml")).toContain("rule files found");
  });

  it("scrapes no slower than it may take", () => {
    const { prometheus } = planned("lab");
    if (!prometheus) throw new Error("the lab has no monitoring");
    const timeout = (scrapeIntervalSeconds: number) =>
      parse(renderPrometheusConf({ ...prometheus, scrapeIntervalSeconds })).global.scrape_timeout;
    expect([5, 15, 60].map(timeout)).toEqual(["5s", "10s", "10s"]);
  });
});

describe("scrape jobs for a Prometheus that exists", () => {
  const text = renderScrapeFile(planned("prod").scrape);

  it("are as in the golden file, and accepted by promtool", async () => {
    await expect(text).toMatchFileSnapshot(golden("scrape.prod.yml"));
    writeFileSync(join(directory, "scrape.yml"), text);
    await promtool(directory, "check", "config", "scrape.yml");
  });

  it("have names of their own, and the same labels as in the lab", () => {
    const jobs = (yaml: string) =>
      (parse(yaml).scrape_configs as { job_name: string; static_configs: { labels: Record<string, string> }[] }[]).map(
        ({ job_name, static_configs }) => ({ job_name, job: static_configs[0]?.labels.job ?? job_name }),
      );
    expect(jobs(text)).toEqual([
      { job_name: "restorable_main_node", job: "node" },
      { job_name: "restorable_main_postgres", job: "postgres" },
    ]);
    expect(jobs(lab()).map(({ job }) => job)).toEqual(["node", "postgres", "prometheus", "alertmanager"]);
  });
});

describe("/etc/default", () => {
  it("keeps Prometheus below its volume and its memory", () => {
    const text = prometheusDefaults({ address: "10.1.1.30", retentionDays: 30, dataMiB: 4096, memoryMiB: 512 });
    expect(text).toContain("--storage.tsdb.retention.size=3276MB");
    expect(text).toContain("--web.listen-address=10.1.1.30:9090 ");
    expect(text).toMatch(/^GOMEMLIMIT=307MiB$/m);
  });

  it("binds Alertmanager to its address, and opens no port for a cluster", () => {
    const text = alertmanagerDefaults({ address: "10.1.1.30" });
    expect(text).toContain("--web.listen-address=10.1.1.30:9093 ");
    expect(text).toMatch(/--cluster.listen-address="$/);
  });
});

/** amtool before 0.26 knows no url_file: there the step writes the URL itself. */
const forThisAmtool = (text: string) => {
  const [, minor] = /version 0\.(\d+)/.exec(amtool("--version")) ?? [];
  return Number(minor) >= 26 ? text : text.replaceAll(/url_file: .*/g, 'url: "http://127.0.0.1/x"');
};

function amtool(...args: string[]): string {
  try {
    return execFileSync("amtool", args, { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: string; stdout?: string; stderr?: string };
    if (code === "ENOENT")
      throw new Error("amtool is not installed: it is in the Debian package prometheus-alertmanager");
    throw new Error(`amtool ${args.join(" ")}: ${stdout}${stderr}`);
  }
}

describe("alertmanager.yml", () => {
  const file = "alertmanager.yml";
  const write = (text: string) => writeFileSync(join(directory, file), forThisAmtool(text));
  const route = (...labels: string[]) => amtool("config", "routes", "test", `--config.file=${file}`, ...labels).trim();

  it("is as in the golden file with all receivers", async () => {
    await expect(alertmanager("pager", "ticket", "deadMansSwitch")).toMatchFileSnapshot(golden("alertmanager.yml"));
  });

  it.each([[[]], [["pager"]], [["pager", "ticket", "deadMansSwitch"]]] as [Receiver[]][])(
    "is accepted by amtool with the receivers %j",
    (receivers) => {
      write(alertmanager(...receivers));
      expect(amtool("check-config", file)).toContain("SUCCESS");
    },
  );

  it.each([
    [["alertname=NoPrimary", "severity=critical"], "pager"],
    [["alertname=BackupRestoreDrillStale", "severity=warning", "page=true"], "pager"],
    [["alertname=HighErrorRate", "severity=warning"], "ticket"],
    [["alertname=FailoverHappened", "severity=info"], "ticket"],
    [["alertname=SomebodyElses"], "ticket"],
    [["alertname=DeadMansSwitch", "severity=critical", "page=true"], "dead-mans-switch"],
  ])("sends %j to %s", (labels, receiver) => {
    write(alertmanager("pager", "ticket", "deadMansSwitch"));
    expect(route(...labels)).toBe(receiver);
  });

  it("names files, never a URL, and no file for a receiver without a webhook", () => {
    const text = alertmanager("ticket");
    expect(text).not.toContain("url:");
    expect(text.match(/url_file: .*/g)).toEqual(["url_file: /etc/prometheus/webhooks/ticket.url"]);
  });
});
