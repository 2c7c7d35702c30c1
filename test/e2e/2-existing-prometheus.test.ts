import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Change, containers, inside, must, up, waitFor, world } from "./lab.js";

const host = world.host.name;
const prometheus = `http://${world.host.address}:9090`;
const rulesPath = "/etc/prometheus/rules/restorable.yml";
const scrapePath = "/etc/prometheus/scrape/restorable.yml";

/** Monitoring as in prod: no container of the stack's own, but the Prometheus and Alertmanager of a host. */
const existing: Change = (config) => {
  delete config["restorable:monitoring"];
  config["restorable:prometheus"] = {
    host,
    rulesPath,
    scrapePath,
    alertmanager: { configPath: "/etc/prometheus/alertmanager.yml" },
  };
};

/** The configuration of somebody's own Prometheus. */
const ownConfiguration = (includes: string) => `global: { scrape_interval: 5s }
${includes}
scrape_configs: [{ job_name: own, static_configs: [{ targets: ["127.0.0.1:9090"] }] }]
`;
const install = `set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update
apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends prometheus prometheus-alertmanager curl procps >/dev/null
cp /etc/prometheus/alertmanager.yml /root/alertmanager.yml.own
cat >/etc/prometheus/prometheus.yml
systemctl restart prometheus prometheus-alertmanager`;

const get = async (path: string) => (await (await fetch(`${prometheus}/api/v1/${path}`)).json()).data;

describe("a Prometheus that exists", () => {
  beforeAll(async () => {
    await must(host, install, ownConfiguration(""));
    await waitFor("the host's Prometheus answers", 60, async () => (await get("status/config")) !== undefined);
  });

  afterAll(async () => {
    const back = await up();
    expect(back.code, back.output).toBe(0);
    await must(
      host,
      "DEBIAN_FRONTEND=noninteractive apt-get -qq purge -y prometheus prometheus-alertmanager >/dev/null",
    );
    await must(host, "rm -rf /etc/prometheus /var/lib/prometheus /root/alertmanager.yml.own");
  });

  it("that does not read the stack's files is an error which names what is missing", async () => {
    const { code, output } = await up(existing);
    expect(code).not.toBe(0);
    expect(output).toMatch(/rule_files|scrape_config_files/);
    expect(output).toContain(rulesPath.replace(/\/[^/]*$/, ""));
  });

  it("V10 V11 gets rules and scrape jobs beside its own, and the stack makes no container for it", async () => {
    const includes = `rule_files: [/etc/prometheus/rules/*.yml]\nscrape_config_files: [/etc/prometheus/scrape/*.yml]`;
    await must(host, "cat >/etc/prometheus/prometheus.yml; systemctl reload prometheus", ownConfiguration(includes));
    const { code, output } = await up(existing);
    expect(code, output).toBe(0);
    expect((await containers()).join()).not.toContain("monitoring");
    const { groups } = (await get("rules")) as { groups: { name: string; file: string }[] };
    expect(groups.map(({ name }) => name)).toEqual(expect.arrayContaining(["veza_backup", "veza_critical"]));
    expect(new Set(groups.map(({ file }) => file))).toEqual(new Set([rulesPath]));
    await waitFor("all targets are up", 60, async () => {
      const { activeTargets } = (await get("targets")) as {
        activeTargets: { health: string; labels: Record<string, string> }[];
      };
      const names = activeTargets.map(({ labels }) => labels.instance);
      return (
        names.includes("pgaf-primary") &&
        names.includes("127.0.0.1:9090") &&
        activeTargets.every(({ health }) => health === "up")
      );
    });
  });

  it("X14 its Alertmanager has the stack's routes, and the configuration from before is kept", async () => {
    const { stdout } = await inside(host, "curl -fsS http://127.0.0.1:9093/api/v2/status");
    expect((JSON.parse(stdout) as { config: { original: string } }).config.original).toContain("DeadMansSwitch");
    expect(
      (await inside(host, "cmp /root/alertmanager.yml.own /etc/prometheus/alertmanager.yml.before-restorable")).code,
    ).toBe(0);
  });

  it("goes on without the stack: its files are taken away, its own configuration is back", async () => {
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect((await inside(host, `ls ${rulesPath} ${scrapePath} 2>/dev/null`)).stdout).toBe("");
    expect((await inside(host, "cmp /root/alertmanager.yml.own /etc/prometheus/alertmanager.yml")).code).toBe(0);
    const { groups } = (await get("rules")) as { groups: unknown[] };
    expect(groups).toEqual([]);
    expect((await inside(host, "systemctl is-active prometheus prometheus-alertmanager")).code).toBe(0);
  });
});
