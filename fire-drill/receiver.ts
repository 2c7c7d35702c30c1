import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export const receivers = ["pager", "ticket", "deadMansSwitch"] as const;
export type ReceiverName = (typeof receivers)[number];

/** One alert of one notification. */
export interface Delivery {
  readonly receiver: ReceiverName;
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Alertmanager's name of the alert with these labels. */
  readonly fingerprint: string;
  /** When it came, milliseconds since 1970. */
  readonly at: number;
}

export interface Receiver {
  /** Everything that came, oldest first. */
  readonly deliveries: readonly Delivery[];
  /** Webhook of a receiver. */
  url(name: ReceiverName): string;
  close(): Promise<void>;
}

/**
 * Takes Alertmanager's webhooks (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config).
 *
 * @param address own address that the monitoring container reaches
 * @param port 0: a free one
 * @throws Error when it cannot listen there
 */
export async function listen(address: string, now: () => number = Date.now, port = 0): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      const name = receivers.find((it) => request.url === `/${it}`);
      const parsed = name && request.method === "POST" ? parseWebhook(body, name, now()) : undefined;
      if (parsed) deliveries.push(...parsed);
      response.writeHead(parsed ? 200 : 400).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  const base = `http://${address}:${(server.address() as AddressInfo).port}`;
  return {
    deliveries,
    url: (name) => `${base}/${name}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The alerts of a notification; undefined when it is none. */
export function parseWebhook(body: string, receiver: ReceiverName, at: number): Delivery[] | undefined {
  try {
    const { alerts } = JSON.parse(body) as { alerts: Omit<Delivery, "receiver" | "at">[] };
    return alerts.map(({ status, labels, annotations, fingerprint }) => {
      if ((status !== "firing" && status !== "resolved") || !labels.alertname) throw new Error("no alert");
      return { receiver, status, labels, annotations, fingerprint, at };
    });
  } catch {
    return undefined;
  }
}
