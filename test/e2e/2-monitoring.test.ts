import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { inside, must, pulumi, pulumiCommand, run, settingsFile, touched, up, waitFor, world } from "./lab.js";
import { webhookReceiver } from "./webhook.js";

const box = "monitoring";
const prometheus = `http://${world.subnet}.30:9090`;
const alertmanager = `http://${world.subnet}.30:9093`;

// biome-ignore lint/suspicious/noExplicitAny: answers of two programs, each of its own shape
const ask = async (url: string): Promise<any> => JSON.parse(await must(box, `curl -fsS -m 10 '${url}'`));
const post = (alerts: object[]) =>
  must(
    box,
    `curl -fsS -m 10 -H 'Content-Type: application/json' -d @- ${alertmanager}/api/v2/alerts`,
    JSON.stringify(alerts),
  );

let asItWas = true;
let hook: Awaited<ReturnType<typeof webhookReceiver>>;
const token = "/page/9fK2xQ7vLm4TzR8w";

beforeAll(async () => {
  hook = await webhookReceiver();
});
afterAll(async () => {
  await hook?.close();
  if (asItWas) return;
  const { code, output } = await up();
  expect(code, output).toBe(0);
});

describe("Prometheus", () => {
  it("V10 V11 scrapes every machine with its role, and has exactly the rules that are rendered", async () => {
    const { data } = await ask(`${prometheus}/api/v1/targets?state=active`);
    const targets = (data.activeTargets as { labels: Record<string, string>; health: string }[]).map(
      ({ labels: { job, instance, role, host, stanza }, health }) =>
        `${job} ${instance} ${role} ${host} ${stanza} ${health}`,
    );
    const line = (job: string, instance: string, role: string) => `${job} ${instance} ${role} lab-host main up`;
    expect(targets.sort()).toEqual(
      [
        line("alertmanager", "monitoring", "monitoring"),
        line("prometheus", "monitoring", "monitoring"),
        line("node", "lab-host", "host"),
        line("node", "monitoring", "monitoring"),
        line("node", "pgaf-monitor", "monitor"),
        ...["pgaf-primary", "pgaf-replica"].flatMap((name) => [
          line("node", name, "data"),
          line("postgres", name, "data"),
        ]),
      ].sort(),
    );
    const loaded = ((await ask(`${prometheus}/api/v1/rules`)).data.groups as { name: string; rules: Rule[] }[]).flatMap(
      ({ name, rules }) => rules.map((rule) => [name, rule.name, rule.labels, rule.annotations]),
    );
    const text = (await run(["node", "lab/cli.mjs", "render", "alerts", "--stack", "lab"])).stdout;
    const rendered = (
      parse(text) as { groups: { name: string; rules: (Rule & { alert: string })[] }[] }
    ).groups.flatMap(({ name, rules }) => rules.map((rule) => [name, rule.alert, rule.labels, rule.annotations]));
    expect(new Set(loaded.map(inOrder))).toEqual(new Set(rendered.map(inOrder)));
  });

  it("sends its alerts to Alertmanager, and reads the drill's metrics under their own labels", async () => {
    const { data } = await ask(`${prometheus}/api/v1/alertmanagers`);
    expect(data.activeAlertmanagers).toHaveLength(1);
    const query = encodeURIComponent('veza_backup_drill_last_success{repo="1"}');
    const [drill] = (await ask(`${prometheus}/api/v1/query?query=${query}`)).data.result;
    expect(drill.metric).toMatchObject({ instance: "lab-host", stanza: "main", repo: "1" });
    expect(drill.metric).not.toHaveProperty("exported_stanza");
  });
});

interface Rule {
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
const inOrder = (value: unknown) =>
  JSON.stringify(value, (_, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

describe("X14 Alertmanager", () => {
  it("takes a secret webhook and plain ones; the secret is in its file only", async () => {
    asItWas = false;
    const file = settingsFile((config) => {
      Object.assign(config["restorable:alerting"], {
        ticket: { webhookUrl: `${hook.url}/ticket` },
        deadMansSwitch: { webhookUrl: `${hook.url}/alive`, intervalSeconds: 5 },
      });
    });
    const set = await pulumiCommand(["config", "set", "--secret", "restorable:pagerWebhookUrl"], file);
    const stored = await run(set.command, { env: set.env, input: `${hook.url}${token}` });
    expect(stored.code, stored.output).toBe(0);
    const { command, env } = await pulumiCommand(["up", "--yes", "--skip-preview"], file);
    const { code, output } = await run(command, { env });
    expect(code, output).toBe(0);
    expect(touched(output)).toEqual(["monitoring-alertmanager"]);
    expect(output).not.toContain(token);
    expect(output).not.toMatch(/No webhook for/);
    expect(
      await must(box, "stat -c '%a %U:%G' /etc/prometheus/webhooks/pager.url /etc/prometheus/alertmanager.yml"),
    ).toBe("640 root:prometheus\n640 root:prometheus");
    expect((await inside(box, `grep -rlF ${token} /etc /usr/local /var/lib/restorable`)).stdout.trim()).toBe(
      "/etc/prometheus/webhooks/pager.url",
    );
    expect((await run(["grep", "-rlF", token, `${world.directory}/state`])).stdout).toBe("");
  });

  it("pages what is critical or asks for it, files the rest, tells the end, and says a thing once", async () => {
    const alert = (alertname: string, labels: Record<string, string>) => ({
      labels: { alertname, stanza: "trial", ...labels },
    });
    const store = alert("RepositoryUnreachable", { severity: "critical", repo: "1" });
    const quiet = alert("ArchivingStalled", { severity: "critical", repo: "1" });
    const other = alert("ArchivingStalled", { severity: "critical", repo: "2" });
    await post([store]);
    await post([
      quiet,
      other,
      alert("BackupRestoreDrillStale", { severity: "warning", page: "true", repo: "2" }),
      alert("HighErrorRate", { severity: "warning" }),
    ]);
    await hook.delivered(token, "RepositoryUnreachable", "firing", 20);
    await hook.delivered(token, "BackupRestoreDrillStale", "firing", 20);
    await hook.delivered("/ticket", "HighErrorRate", "firing", 20);
    const archiving = await hook.delivered(token, "ArchivingStalled", "firing", 20);
    expect(archiving.alerts.map(({ labels }) => labels.repo)).toEqual(["2"]);
    await post([{ ...store, endsAt: new Date().toISOString() }]);
    await hook.delivered(token, "RepositoryUnreachable", "resolved", 30);
    const ended = new Date().toISOString();
    await post([store, quiet, other].map((it) => ({ ...it, endsAt: ended })));
    expect(hook.received.filter(({ path }) => path === "/ticket").flatMap(({ alerts }) => alerts)).not.toContainEqual(
      expect.objectContaining({ labels: expect.objectContaining({ severity: "critical" }) }),
    );
  });

  it("gives the dead man's switch a sign of life again and again, and nobody else", async () => {
    await post([{ labels: { alertname: "DeadMansSwitch", severity: "info", stanza: "trial" } }]);
    const signs = () =>
      hook.received.filter(({ alerts }) => alerts.some(({ labels }) => labels.alertname === "DeadMansSwitch"));
    await waitFor("three signs of life", 40, async () => signs().length >= 3);
    expect(new Set(signs().map(({ path }) => path))).toEqual(new Set(["/alive"]));
  });
});

describe("what Prometheus runs with", () => {
  const rules = "/etc/prometheus/rules/restorable.yml";

  it("a rule file that promtool refuses changes nothing, and its words are shown", async () => {
    const step = `/usr/local/lib/restorable/restorable-${world.stack}/step`;
    const before = await must(box, `cat ${rules}`);
    const broken = "groups:\n  - name: broken\n    rules:\n      - alert: Broken\n        expr: up ==\n";
    const refused = await inside(
      world.host.name,
      `${step} prometheus --project ${world.incusProject} --container ${box} --as trial --files monitoring.sh \
        RULES_PATH=${rules} "RULES=$(cat)" "CONFIG=$(incus --project ${world.incusProject} exec ${box} -- cat /etc/prometheus/prometheus.yml </dev/null)" \
        URL=${prometheus} RELOAD=systemctl 'DEFAULTS=ARGS=""'`,
      broken,
    );
    await must(world.host.name, `rm -rf /var/lib/restorable/restorable-${world.stack}/steps/trial`);
    await must(box, "rm -f /var/lib/restorable/manifest/trial.*");
    expect(refused.code, refused.output).not.toBe(0);
    expect(refused.output).toMatch(/could not parse expression/);
    expect(refused.output).toContain(`promtool refuses ${rules}: nothing was replaced`);
    expect(await must(box, `cat ${rules}`)).toBe(before);
    const { data } = await ask(`${prometheus}/api/v1/rules`);
    expect((data.groups as { name: string }[]).map(({ name }) => name)).not.toContain("broken");
  });

  it("X11 a rule file changed by hand is seen, put back, and read again; then nothing is left to do", async () => {
    await must(box, `sed -i 's/ServiceDown/ServiceUp/' ${rules} && systemctl reload prometheus`);
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect(output).toContain(
      `${rules} was changed or removed by another hand; step monitoring/prometheus will run again`,
    );
    expect(touched(output)).toEqual(["monitoring-alertmanager", "monitoring-prometheus"]);
    const { data } = await ask(`${prometheus}/api/v1/rules`);
    const names = (data.groups as { rules: Rule[] }[]).flatMap((group) => group.rules.map(({ name }) => name));
    expect(names).toContain("ServiceDown");
    expect(names).not.toContain("ServiceUp");
    const again = await pulumi(["preview", "--expect-no-changes"]);
    expect(again.code, again.output).toBe(0);
    expect(again.output).toContain("No webhook for pager");
    asItWas = true;
  });
});
