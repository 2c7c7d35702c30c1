import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, run, world } from "./lab.js";

const folder = join(root, "runbooks");
/** First look of a page: what is to be typed as it stands there, for a lab of this name and network. */
const firstLook = (page: string): string => {
  const section = /^## First look\n([\s\S]*?)(?=^## )/m.exec(readFileSync(join(folder, page), "utf8"))?.[1] ?? "";
  const blocks = [...section.matchAll(/```(?:sh|bash)\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks.join("").replaceAll("restorable-lab", world.incusProject).replaceAll("10.77.0.", `${world.subnet}.`);
};
const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
const forTheLab = pages.filter((page) => firstLook(page).includes(`incus --project ${world.incusProject} `));

describe("first look of the runbooks, as written", () => {
  it.each(forTheLab)("%s", async (page) => {
    const { code, output } = await run(["bash", "-c", `set -e -o pipefail\n${firstLook(page)}`]);
    expect(code, output).toBe(0);
    expect(output.trim()).not.toBe("");
  });

  it("leaves out only what is about services outside of the lab, or typed on the drill host or a host of dumps", () => {
    expect(pages.filter((page) => !forTheLab.includes(page))).toEqual([
      "backup-restore-drill-absent.md",
      "backup-restore-drill-failed.md",
      "backup-restore-drill-stale.md",
      "backup-restore-drill-unverified.md",
      // Of the cluster, whose own suite types them.
      ...pages.filter((page) => page.startsWith("cluster-")),
      "dump-failed.md",
      "dump-small.md",
      "dump-stale.md",
      "high-error-rate.md",
      "high-latency-p99.md",
      "pitr-drill-failed.md",
      "pitr-drill-stale.md",
      "redis-unreachable.md",
      "service-down.md",
    ]);
  });
});
