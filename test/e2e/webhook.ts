import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { waitFor, world } from "./lab.js";

/** What Alertmanager posts. */
export interface Notification {
  /** Path of the URL that it was posted to. */
  path: string;
  status: "firing" | "resolved";
  receiver: string;
  alerts: { status: "firing" | "resolved"; labels: Record<string, string> }[];
  /** Milliseconds since 1970. */
  at: number;
}

/** A receiver of notifications on this machine, at the bridge's own address: what containers reach. */
export async function webhookReceiver() {
  const received: Notification[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (data: string) => {
      body += data;
    });
    request.on("end", () => {
      received.push({ ...(JSON.parse(body) as Notification), path: request.url ?? "", at: Date.now() });
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, `${world.subnet}.1`, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${world.subnet}.1:${port}`,
    received,
    /** Waits for a notification of this alert at this path. @throws Error when none comes in time */
    async delivered(path: string, alertname: string, status: Notification["status"], seconds: number) {
      const match = () =>
        received.find(
          (it) =>
            it.path === path && it.alerts.some((one) => one.labels.alertname === alertname && one.status === status),
        );
      await waitFor(`${alertname} ${status} at ${path}`, seconds, async () => match() !== undefined);
      return match() as Notification;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
