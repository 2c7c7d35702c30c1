import { inContainer } from "./incus.js";
import type { World } from "./world.js";

/** Container of Prometheus and Alertmanager, as in Pulumi.lab.yaml. */
const container = "monitoring";

export const monitoringUrls = ({ subnet }: World) => ({
  prometheus: `http://${subnet}.30:9090`,
  alertmanager: `http://${subnet}.30:9093`,
});

interface Target {
  scrapePool: string;
  health: "up" | "down" | "unknown";
  lastError: string;
  labels: { instance: string };
}

/**
 * Waits until Prometheus has scraped every target, and all answer; says which do not when they keep silent.
 *
 * @throws Error when it has not tried all of them within a minute
 */
export async function scraped(world: World): Promise<string> {
  const end = Date.now() + 60_000;
  const url = `${monitoringUrls(world).prometheus}/api/v1/targets?state=active`;
  for (;;) {
    const text = await inContainer(world, container, `curl -fsS -m 5 '${url}' || true`);
    const targets: Target[] = text ? JSON.parse(text).data.activeTargets : [];
    const down = targets.filter(({ health }) => health !== "up");
    if (targets.length > 0 && down.length === 0) return `${targets.length} targets up`;
    if (Date.now() > end) {
      const names = down.map(({ scrapePool, labels }) => `${labels.instance} (${scrapePool})`).join(", ");
      if (targets.length > 0 && down.every(({ health }) => health === "down"))
        return `${targets.length} targets, without an answer: ${names}`;
      throw new Error(`Prometheus at ${url} has not scraped ${names || "anything"} within a minute`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
