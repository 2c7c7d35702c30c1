import { beforeAll, describe, expect, it } from "vitest";
import { dashboardSections } from "../../render/dashboard/panels.js";
import { ask } from "../../status/prometheus.js";
import { drill, primary, run, sql, waitFor, world } from "./lab.js";
import { archive } from "./trial.js";

const prometheus = `http://${world.subnet}.30:9090`;
const panels = dashboardSections({ prefix: "veza", rtoBoundSeconds: 1800, drillStaleSeconds: 691200 }).flatMap(
  (section) => section.panels.map((panel) => ({ ...panel, where: `${section.title}: ${panel.title}` })),
);
const status = (...args: string[]) => run(["npm", "run", "--silent", "status", "--", "--name", world.name, ...args]);

beforeAll(async () => {
  // The timer of drills to a moment is weekly.
  const node = await primary();
  const moment = await sql(node, "SELECT clock_timestamp() AT TIME ZONE 'UTC'");
  await archive(node);
  const { code, output } = await drill("--target-time", `'${moment}'`);
  expect(code, output).toBe(0);
});

describe("dashboard and status on the live Prometheus", () => {
  it.each(panels.flatMap((panel) => panel.queries.map((query) => ({ where: panel.where, ...query }))))(
    "the panel has data: $where ($legend)",
    async ({ expr, legend }) => {
      await waitFor(`data for ${expr}`, 90, async () => (await ask(prometheus, expr)).length > 0);
      const samples = await ask(prometheus, expr);
      for (const { value } of samples) expect(Number.isNaN(value)).toBe(false);
      // A legend that names a label which the series have not would be blank in Grafana.
      for (const [, label = ""] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        for (const { labels } of samples) expect(labels, expr).toHaveProperty(label);
      }
    },
  );

  it("status says that all is well, and ends with 0", async () => {
    await waitFor("status is well", 120, async () => (await status()).code === 0);
    const { stdout, code } = await status();
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("1 primary, 1 synchronous");
    expect(stdout).toContain("PASSED");
    expect(stdout).toContain("All is well.");
    console.log(stdout);
  });

  it("status cannot see anything without Prometheus, and says so with 2", async () => {
    const { code, output } = await status("--prometheus", `http://${world.subnet}.30:9099`);
    expect(code).toBe(2);
    expect(output).toContain(`Prometheus at http://${world.subnet}.30:9099 does not answer`);
  });

  it("status --help and wrong arguments", async () => {
    expect((await status("--help")).code).toBe(0);
    expect((await run(["node", "lab/cli.mjs", "status", "--nonsense"])).code).toBe(64);
  });
});
