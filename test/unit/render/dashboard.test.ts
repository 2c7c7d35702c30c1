import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderDashboard } from "../../../render/dashboard/dashboard.js";
import { dashboardSections } from "../../../render/dashboard/panels.js";

const args = { prefix: "veza", rtoBoundSeconds: 1800, drillStaleSeconds: 691200 };

interface GrafanaPanel {
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; refId: string }[];
  datasource?: { uid: string };
}
const panels = () => (JSON.parse(renderDashboard(args)) as { panels: GrafanaPanel[] }).panels;

describe("renderDashboard", () => {
  it("renders as in the golden file", async () => {
    await expect(`${renderDashboard(args)}\n`).toMatchFileSnapshot(
      join(import.meta.dirname, "golden", "dashboard.json"),
    );
  });

  it("asks each query of the sections, from the data source that is chosen", () => {
    const asked = panels().flatMap((panel) => panel.targets?.map(({ expr }) => expr) ?? []);
    const wanted = dashboardSections(args).flatMap((section) =>
      section.panels.flatMap((panel) => panel.queries.map(({ expr }) => expr)),
    );
    expect(asked).toEqual(wanted);
    for (const panel of panels().filter(({ type }) => type !== "row"))
      expect(panel.datasource?.uid, panel.title).toBe("$datasource");
  });

  it("lays panels out without overlap, within 24 columns", () => {
    const cells = new Set<string>();
    for (const { gridPos, title } of panels()) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x}/${y}`), `${title} overlaps at ${x}/${y}`).toBe(false);
          cells.add(`${x}/${y}`);
        }
    }
  });

  it("takes the prefix of the drill's metrics", () => {
    expect(renderDashboard({ ...args, prefix: "acme" })).not.toContain("veza_");
  });

  it("gives each panel a title of its own and a description", () => {
    const all = dashboardSections(args).flatMap(({ panels }) => panels);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
    for (const { description } of all) expect(description).toMatch(/\.$/);
  });
});
