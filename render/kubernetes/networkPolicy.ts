import { managedBy } from "./pods.js";

/** A host that pods may reach; one that is an address, at that address only. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Host and port of a URL. */
export function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname, port: Number(port || (protocol === "https:" ? 443 : 80)) };
}

/** The cluster's API, by its Service and by the ports that API servers listen on: a policy sees what the Service leads to. */
export const apiTargets: readonly Target[] = [443, 6443].map((port) => ({ host: "kubernetes.default.svc", port }));

const toTarget = ({ host, port }: Target) => ({
  ...(/^\d+(?:\.\d+){3}$/.test(host) ? { to: [{ ipBlock: { cidr: `${host}/32` } }] } : {}),
  ports: [{ protocol: "TCP", port }],
});

/**
 * What the pods of one job may reach: names, bucket and Pushgateway, and the ports of databases in their own namespace
 * where they dump one. Nobody reaches them.
 */
export function networkPolicy(args: {
  readonly app: string;
  readonly namespace: string;
  readonly targets: readonly Target[];
  readonly databasePorts: readonly number[];
}) {
  // A policy sees the pod's port, which need not be the Service's.
  const ports =
    args.databasePorts.length === 0 ? [] : [...new Set([...args.databasePorts, 5432])].sort((a, b) => a - b);
  return {
    metadata: { name: args.app, namespace: args.namespace, labels: { ...managedBy } },
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": args.app } },
      policyTypes: ["Ingress", "Egress"],
      egress: [
        { ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 })) },
        ...args.targets.map(toTarget),
        ...(ports.length > 0
          ? [{ to: [{ podSelector: {} }], ports: ports.map((port) => ({ protocol: "TCP", port })) }]
          : []),
      ],
    },
  };
}
