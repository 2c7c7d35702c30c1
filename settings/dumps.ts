import { z } from "zod";
import { object, type Place } from "./draft.js";
import { absolutePath, flag, instanceName, integer, oneOf, positive, text } from "./fields.js";
import { keyOf, type Problem } from "./problems.js";
import { reached } from "./reached.js";

export const dumpKinds = ["postgres", "gitea", "k3s_pvc"] as const;
export type DumpKind = (typeof dumpKinds)[number];

const dumpHost = z.strictObject({
  name: instanceName().describe("Name of the host in this stack, and in the metrics; none of those in `hosts`."),
  ...reached,
});

const job = z.strictObject({
  kind: oneOf(...dumpKinds).describe("What is dumped. Each kind once on a host."),
  host: instanceName().describe("Host it runs on, by its name in `dumps.hosts` or `hosts`."),
  container: z
    .exactOptional(text(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/, "the name of a Docker container"))
    .describe("Docker container (postgres, gitea). Default: the kind's name."),
  user: z
    .exactOptional(text(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,62}$/, "a user's name"))
    .describe("Postgres' superuser (postgres; default postgres), or the user that Gitea runs as (gitea; default git)."),
  directory: z
    .exactOptional(absolutePath())
    .describe("Folder of backup.sh and restore.sh (postgres, gitea). Default: /opt/postgres_dump, /opt/gitea_dump."),
  fallbackDirectory: z
    .exactOptional(absolutePath())
    .describe("Folder of the scripts and of a second copy of each dump (k3s_pvc). Default: /opt/k3s_volumes."),
  kubeconfig: z
    .exactOptional(absolutePath())
    .describe("How the cluster is reached, on its host (k3s_pvc). Default: /etc/rancher/k3s/k3s.yaml."),
});

/** Daily dumps on hosts beside the formation. */
export const dumpsSchema = z.strictObject({
  root: absolutePath()
    .default("/mnt/backups")
    .describe("Folder of the dumps on each host; each kind has its own in it."),
  requireMount: flag()
    .default(true)
    .describe("Refuses to dump where `root` is no mount point, instead of filling the root disk."),
  keepDays: integer(1, 3650, "days").default(3).describe("Dumps are kept this long, days; the newest one always."),
  scheduler: oneOf("cron", "timer").default("cron").describe("Root's cron (/etc/cron.d), or a systemd timer."),
  time: text(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "04:00"')
    .default("04:00")
    .describe("When the dumps run, daily, by each host's own clock."),
  minimumRatio: positive(1)
    .default(0.5)
    .describe("A dump that has less than this share of the last one's bytes is refused, above 0 to 1."),
  upload: flag().default(false).describe("Puts an encrypted copy of each dump into the off-site bucket as well."),
  hosts: z
    .array(dumpHost, "a list of hosts")
    .default([])
    .describe("Hosts of dumps that are no Incus hosts: they need sshd, and node_exporter with its textfile collector."),
  jobs: z.array(job, "a list of dumps").min(1, "at least one dump").describe("What is dumped where."),
});

export type Dumps = z.output<typeof dumpsSchema>;

const ofDocker = ["container", "user", "directory"];
const ofK3s = ["fallbackDirectory", "kubeconfig"];

/** Folder of a dump's scripts where the settings name none. */
export const defaultFolder = (kind: string): string => (kind === "k3s_pvc" ? "/opt/k3s_volumes" : `/opt/${kind}_dump`);

/** @param hosts all hosts that a dump may run on */
export function dumpsChecks(raw: Record<string, unknown>, hosts: readonly Place[]): Problem[] {
  if (raw.dumps === undefined) return [];
  const { jobs, upload } = object(raw.dumps);
  const known = hosts.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const seen = new Map<string, PropertyKey[]>();
  const folders = new Map<string, PropertyKey[]>();
  const problems = (Array.isArray(jobs) ? jobs.map(object) : []).flatMap((it, index): Problem[] => {
    const path = ["dumps", "jobs", index];
    const { kind, host } = it;
    const found: Problem[] = [];
    if (typeof host === "string" && !known.includes(host)) {
      const allowed = known.map((name) => `"${name}"`).join(", ") || "none is there";
      found.push({ path: [...path, "host"], message: `"${host}" is none of dumps.hosts and hosts (${allowed})` });
    }
    const first = seen.get(`${kind} ${host}`);
    if (first) found.push({ path: [...path, "kind"], message: `"${kind}" on "${host}" is ${keyOf(first)} already` });
    else seen.set(`${kind} ${host}`, path);
    const folderKey = kind === "k3s_pvc" ? "fallbackDirectory" : "directory";
    const folder = `${host} ${it[folderKey] ?? defaultFolder(String(kind))}`;
    const taken = folders.get(folder);
    // The scripts of one would be those of the other.
    if (taken && !first)
      found.push({ path: [...path, folderKey], message: `is the folder of ${keyOf(taken)} already` });
    else folders.set(folder, path);
    const foreign = kind === "k3s_pvc" ? ofDocker : ofK3s;
    for (const key of foreign)
      if (it[key] !== undefined) found.push({ path: [...path, key], message: `is none of kind "${kind}": remove it` });
    return found;
  });
  if (upload === true && raw.offsite === undefined)
    problems.push({
      path: ["dumps", "upload"],
      message: "needs `offsite`: the copies go into the off-site bucket; set it, or turn upload off",
    });
  return problems;
}
