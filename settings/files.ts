import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Host, Settings } from "./complete.js";
import type { Dumps } from "./dumps.js";
import { isKubeconfig } from "./kubernetesChecks.js";
import { type Problem, SettingsError } from "./problems.js";

/** Folder of Pulumi.yaml: what relative paths in the settings start from. */
export const projectRoot = fileURLToPath(new URL("..", import.meta.url));

/** A host whose public key is at hand, wherever it came from. */
export type KeyedHost = Host & { hostKey: string };
type KeyedDumps = Omit<Dumps, "hosts"> & { hosts: (Dumps["hosts"][number] & { hostKey: string })[] };
/** Settings with the host keys read from their files. */
export type ResolvedSettings = Omit<Settings, "hosts" | "dumps"> & { hosts: KeyedHost[]; dumps?: KeyedDumps };

export interface KeyFiles {
  settings: ResolvedSettings;
  /** Private key as text: wrap it with `pulumi.secret` where it is used. */
  sshPrivateKey: string;
  /** kubeconfig of the cluster as text, from its file or the configuration; absent without a cluster. */
  kubeconfig?: string;
}

/**
 * Reads the key files that the settings name.
 *
 * @param root folder that relative paths start from
 * @throws SettingsError that names key and file of everything that cannot be read
 */
export function readKeyFiles(
  settings: Settings,
  sshPrivateKey: string | undefined,
  { root = projectRoot, stack, kubeconfig }: { root?: string; stack?: string; kubeconfig?: string | undefined } = {},
): KeyFiles {
  const problems: Problem[] = [];
  const remedy =
    settings.environment === "lab" ? "`npm run lab` makes it" : "make it, or give the key itself in the configuration";
  const read = (path: PropertyKey[], file: string, fits: (text: string) => boolean, kind: string): string => {
    const full = resolve(root, file);
    try {
      const text = readFileSync(full, "utf8");
      if (fits(text)) return text;
      problems.push({ path, message: `the file ${full} holds no ${kind}; ${remedy}` });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
      problems.push({ path, message: `the file ${full} ${reason}; ${remedy}` });
    }
    return "";
  };
  const keyed = <T extends { hostKey?: string; hostKeyFile?: string }>(hosts: readonly T[], path: PropertyKey[]) =>
    hosts.map((host, index) => ({
      ...host,
      hostKey:
        host.hostKey ??
        read(
          [...path, index, "hostKeyFile"],
          host.hostKeyFile ?? "",
          (text) => /^(?:ssh|ecdsa)-\S+ \S{40,}/.test(text),
          "public SSH key",
        ).trim(),
    }));
  const hosts = keyed(settings.hosts, ["hosts"]);
  const { dumps, ...others } = settings;
  const dumpHosts = dumps ? keyed(dumps.hosts, ["dumps", "hosts"]) : [];
  const key = sshPrivateKey?.trim()
    ? sshPrivateKey
    : read(
        ["sshPrivateKeyFile"],
        settings.sshPrivateKeyFile ?? "",
        (text) => /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text),
        "private SSH key",
      );
  const { kubernetes } = settings;
  const cluster = kubernetes?.enabled
    ? kubernetes.kubeconfigFile === undefined
      ? (kubeconfig ?? "")
      : read(["kubernetes", "kubeconfigFile"], kubernetes.kubeconfigFile, isKubeconfig, "kubeconfig")
    : undefined;
  if (problems.length > 0) throw new SettingsError(problems, stack);
  return {
    settings: { ...others, hosts, ...(dumps ? { dumps: { ...dumps, hosts: dumpHosts } } : {}) },
    sshPrivateKey: key,
    ...(cluster === undefined ? {} : { kubeconfig: cluster }),
  };
}
