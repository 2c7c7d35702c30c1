import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { IncusHost } from "../../../components/IncusHost.js";
import type { Bundle } from "../../../remote/bundle.js";
import { Convergence } from "../../../remote/convergence.js";
import type { Facts } from "../../../remote/facts.js";
import type { Registered } from "./engine.js";

export const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
export const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"b3BlbnNzaC1rZXktdjEA".repeat(4)}\n-----END OPENSSH PRIVATE KEY-----\n`;

type Config = Record<string, unknown>;

/** Sets a shipped stack's configuration as the CLI would, with keys instead of files, without a look at hosts. */
export function useShipped(
  stack: string,
  change: (config: Config) => Config = (config) => config,
  encrypted: string[] = [],
): void {
  const { config } = parse(readFileSync(new URL(`../../../Pulumi.${stack}.yaml`, import.meta.url), "utf8"));
  const { "restorable:sshPrivateKeyFile": _, "restorable:hosts": hosts, ...rest } = config;
  const all = change({
    ...rest,
    "restorable:hosts": (hosts as Config[]).map(({ hostKeyFile: __, ...host }) => ({ ...host, hostKey })),
    "restorable:sshPrivateKey": privateKey,
    "restorable:checkDrift": false,
  });
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const texts = Object.fromEntries(Object.entries(all).map(([key, value]) => [key, text(value)]));
  pulumi.runtime.setAllConfig(texts, ["restorable:sshPrivateKey", ...encrypted]);
}

/** Scripts as small as can be: one word each. */
export const bundle: Bundle = {
  hash: "bundlehash00",
  files: new Map(
    [
      "lib.sh",
      "pg.sh",
      "attach.sh",
      "recover.sh",
      "drill/verdict.sh",
      "node/role.sh",
      "node/replacement.sh",
      "metrics/host-metrics.sh",
      ...["incus-container", "pg-monitor", "pg-node", "pg-formation", "pg-application", "tls-authority"].map(converge),
      ...[
        "tls-key",
        "tls-certificate",
        "pgbackrest-node",
        "pgbackrest-stanza",
        "host-metrics",
        "pg-recover",
        "pg-recover-look",
      ].map(converge),
    ].map((path) => [path, path]),
  ),
};

function converge(name: string): string {
  return `converge/${name}.sh`;
}

export interface HostOptions {
  facts?: Facts;
  lastKnown?: Record<string, number>;
  user?: string;
}

/** A host named `alpha`, which nobody has looked at unless facts are given. */
export function testHost(options: HostOptions = {}, opts?: pulumi.ComponentResourceOptions): IncusHost {
  const facts = new Map(options.facts ? [["alpha", options.facts]] : []);
  return new IncusHost(
    "alpha",
    {
      connection: { host: "10.1.1.10", port: 22, user: options.user ?? "root", hostKey, privateKey },
      project: "restorable",
      storagePool: "pool",
      network: "bridge0",
      stack: "restorable-test",
      bundle,
      convergence: new Convergence(facts, options.lastKnown),
    },
    opts,
  );
}

/** A step's command as the shell on the host takes it apart: options and settings. */
export function words(command: unknown): string[] {
  const script = `printf '%s\\0' ${String(command).replace(/^\S+\/step /, "")}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

/** A step's plain settings by name. */
export function settingsIn(step: Registered): Record<string, string> {
  const pairs = words(step.inputs.create).filter((word) => /^[A-Z_0-9]+=/.test(word));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}
