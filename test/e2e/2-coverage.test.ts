import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drill, incus, inside, metricsDirectory, must, primary, sql, waitFor, world } from "./lab.js";
import { archive } from "./trial.js";

const host = world.host.name;
const monitoring = "monitoring";
const file = `${metricsDirectory}/restorable_coverage.prom`;
const [database, volume] = ["coverage_trial", "coverage-trial"];

interface Ledger {
  outcome: string;
  counts: Record<string, number>;
  things: {
    place: string;
    kind: string;
    name: string;
    verdict: string;
    reason?: string;
    destinations: { by: string; backup: number; drill: number }[];
  }[];
}

/** X10: the ledger on the lab as it stands. */
const ledger = async (): Promise<{ code: number; output: string; ledger: Ledger }> => {
  const { code, output, stdout } = await inside(host, "coverage.sh --json");
  return { code, output, ledger: JSON.parse(stdout) as Ledger };
};
const thing = async (name: string) => (await ledger()).ledger.things.find((it) => it.name === name);
/** Value of the first sample that Prometheus has for an expression. */
const asked = async (expr: string): Promise<string | undefined> => {
  const answer = await must(
    monitoring,
    `curl -fsS --data-urlencode 'query=${expr}' http://${world.subnet}.30:9090/api/v1/query`,
  );
  return (JSON.parse(answer) as { data: { result: { value: [number, string] }[] } }).data.result[0]?.value[1];
};
const lastRun = () => must(host, `sed -n 's/^restorable_coverage_last_run_timestamp_seconds{.*} //p' ${file}`);

let node = "";
const clear = async () => {
  await sql(node, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`, "postgres");
  await incus("storage", "volume", "delete", world.pool, volume);
  await inside(host, "systemctl start restorable-host-metrics.service");
};
beforeAll(async () => {
  node = await primary();
  await clear();
});
afterAll(async () => {
  await inside(monitoring, "systemctl start prometheus");
  await clear();
  await waitFor("a ledger without the trial's things", 60, async () => {
    const { ledger: made } = await ledger();
    return !made.things.some(({ name }) => name === database || name === volume);
  });
  await inside(host, "systemctl start restorable-coverage.service");
});

describe("X10 coverage ledger", () => {
  it("on the lab as it stands: every database and data volume is covered, the rest is accepted with a reason", async () => {
    const { code, output, ledger: made } = await ledger();
    expect(code, output).toBe(0);
    expect(made.outcome).toBe("pass");
    const verdicts = new Map(made.things.map(({ kind, name, verdict }) => [`${kind} ${name}`, verdict]));
    for (const name of ["database app", "database postgres", "volume pgaf-primary-data", "volume pgaf-replica-data"])
      expect(verdicts.get(name), name).toBe("covered");
    for (const { verdict, reason } of made.things) if (verdict === "accepted") expect(reason).toMatch(/\w/);
    const app = made.things.find(({ name }) => name === "app");
    expect(app?.destinations.map(({ by }) => by).sort()).toEqual(["export", "repository 1", "repository 2"]);
    for (const { backup, drill: drilled } of app?.destinations ?? [])
      expect(Math.min(backup, drilled)).toBeGreaterThan(0);
  });

  it("a database that was just made is backed up with its stanza, and proved once a drill has brought it back", async () => {
    await sql(node, `CREATE DATABASE ${database}`, "postgres");
    await waitFor("the ledger sees it", 60, async () => (await thing(database))?.verdict === "undrilled");
    // What is not archived yet, no drill can bring back.
    await archive(node);
    const { code, output } = await drill();
    expect(code, output).toBe(0);
    await waitFor("its drill", 60, async () => (await thing(database))?.verdict === "covered");
  });

  it("a volume that somebody makes by hand is named, though no setting knows of it, and raises the alert", async () => {
    const { code, output } = await incus("storage", "volume", "create", world.pool, volume, "size=64MiB");
    expect(code, output).toBe(0);
    await must(host, "systemctl start restorable-host-metrics.service");
    await waitFor("the ledger names it", 60, async () => (await thing(volume))?.verdict === "uncovered");
    const found = await inside(host, "coverage.sh");
    expect(found.code, found.output).toBe(1);
    expect(found.output).toMatch(new RegExp(`UNCOVERED: incus ${world.incusProject}/${volume}$`, "m"));
    await must(host, "systemctl start restorable-coverage.service");
    await waitFor("the alert", 60, async () => {
      return (await asked(`ALERTS{alertname="CoverageMissing",name="${volume}",alertstate="pending"}`)) === "1";
    });
  });

  it("without Prometheus nothing could be verified: 2, what was found before stands, and its time too", async () => {
    const before = await lastRun();
    await must(monitoring, "systemctl stop prometheus");
    try {
      const { code, output } = await inside(host, "coverage.sh");
      expect(code).toBe(2);
      expect(output).toContain("could not verify: Prometheus at");
      expect((await inside(host, "systemctl start restorable-coverage.service")).code).not.toBe(0);
      expect(await lastRun()).toBe(before);
      expect(await must(host, `grep -c '^restorable_coverage_uncovered{.*name="${volume}"} 1$' ${file}`)).toBe("1");
    } finally {
      await must(monitoring, "systemctl start prometheus");
    }
    // Scrapes that have both: what was never scraped after a start is remembered for minutes.
    const started = Math.floor(Date.now() / 1000);
    const scraped = [`restorable_live_volume{name="${volume}"}`, `restorable_live_database{database="${database}"}`]
      .map((series) => `timestamp(${series}) > ${started}`)
      .join(" and on () ");
    await waitFor("an answer again", 120, async () => (await asked(scraped).catch(() => undefined)) !== undefined);
    expect((await inside(host, "coverage.sh")).code).toBe(1);
  });

  it("an inventory that is old is none: could not verify, and never covered", async () => {
    await must(
      host,
      "cp /etc/restorable/coverage.env /root/coverage.env; echo INVENTORY_MAX_AGE_SECONDS=-1 >>/root/coverage.env",
    );
    const { code, output } = await inside(
      host,
      "coverage.sh --config /root/coverage.env; code=$?; rm /root/coverage.env; exit $code",
    );
    // The volume of above is still without a backup.
    expect(code, output).toBe(1);
    expect(output).toContain("could not verify: an old inventory of formation");
    expect(output).not.toMatch(/ covered/);
  });
});
