import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { kubectlOf } from "../../../lab/kubernetes/binaries.js";
import { asRoot } from "../../../lab/shell.js";
import { cluster, get, kubectl, root } from "../cluster.js";

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind
export type Alter = (job: any) => void;

export interface Ended {
  succeeded: boolean;
  /** Exit code of its pod; undefined for one that was killed with its pod. */
  code: number | undefined;
  log: string;
}

let number = 0;

/** Makes a job from a CronJob, altered; one attempt only, so that a failure is seen at once. @returns its name */
export async function startJob(namespace: string, cronjob: string, alter: Alter = () => {}): Promise<string> {
  const { spec } = await get(namespace, `cronjob/${cronjob}`);
  number += 1;
  const name = `${cronjob}-test-${process.pid}-${number}`;
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, labels: spec.jobTemplate.metadata.labels },
    spec: { ...spec.jobTemplate.spec, backoffLimit: 0 },
  };
  alter(job);
  await kubectl(["create", "-f", "-"], JSON.stringify(job));
  return name;
}

/** Waits for a job's end. */
export async function ended(namespace: string, name: string, seconds = 900): Promise<Ended> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const { status } = await get(namespace, `job/${name}`);
    const end = (status.conditions ?? []).find(
      ({ type, status: holds }: { type: string; status: string }) =>
        holds === "True" && /^(Complete|Failed)$/.test(type),
    );
    if (end) {
      const pods = JSON.parse(await kubectl(["-n", namespace, "get", "pods", "-l", `job-name=${name}`, "-o", "json"]));
      const code = pods.items[0]?.status.containerStatuses?.[0]?.state.terminated?.exitCode;
      const log = await kubectl(["-n", namespace, "logs", `job/${name}`]).catch(() => "");
      return { succeeded: end.type === "Complete", code, log };
    }
    if (Date.now() > until) throw new Error(`job ${namespace}/${name} did not end: ${JSON.stringify(status)}`);
    await sleep(500);
  }
}

// All at once: one that outlives the others for a moment has time to say what happened.
const killAll = `all=()
for file in /proc/[0-9]*/cgroup; do
  if grep -q "/$1" "$file" 2>/dev/null; then pid=\${file%/cgroup}; all+=("\${pid#/proc/}"); fi
done
kill -KILL "\${all[@]}"`;

/** Kills a job's processes without a word, as the kernel does: a deletion, by force as well, asks them to end first. */
export async function killJob(namespace: string, name: string): Promise<void> {
  const pods = JSON.parse(await kubectl(["-n", namespace, "get", "pods", "-l", `job-name=${name}`, "-o", "json"]));
  const id = /^containerd:\/\/([0-9a-f]{64})$/.exec(pods.items[0].status.containerStatuses[0].containerID)?.[1];
  if (!id) throw new Error(`${namespace}/${name} has no container`);
  await asRoot(["bash", "-c", killAll, "kill", id]);
}

/** Runs a job of a CronJob to its end. */
export const runJob = async (namespace: string, cronjob: string, alter?: Alter): Promise<Ended> =>
  ended(namespace, await startJob(namespace, cronjob, alter));

/** scripts/k8s-drill.sh as a person would. */
export async function k8sDrill(...args: string[]): Promise<{ code: number | undefined; output: string }> {
  const binary = kubectlOf(root, cluster.cache);
  const { exitCode, all } = await execa(join(root, "scripts/k8s-drill.sh"), args, {
    env: { KUBECONFIG: cluster.kubeconfig, PATH: `${join(binary, "..")}:${process.env.PATH}` },
    all: true,
    reject: false,
  });
  return { code: exitCode, output: String(all) };
}

/** Alters the environment of a job's container. */
export const withEnv =
  (values: Record<string, string>): Alter =>
  (job) => {
    const [container] = job.spec.template.spec.containers;
    for (const [name, value] of Object.entries(values)) {
      container.env = container.env.filter((it: { name: string }) => it.name !== name);
      container.env.push({ name, value });
    }
  };

/** Gives a job another working folder. */
export const withRoom =
  (sizeLimit: string): Alter =>
  (job) => {
    const volume = job.spec.template.spec.volumes.find(({ name }: { name: string }) => name === "work");
    volume.emptyDir = { medium: "Memory", sizeLimit };
  };

/** SQL on the server in a sample's pod, as its superuser. */
export const sql = async (namespace: string, pod: string, database: string, statement: string): Promise<string> =>
  (
    await kubectl(
      [
        "-n",
        namespace,
        "exec",
        "-i",
        pod,
        "--",
        "psql",
        "-h",
        "/tmp",
        "-U",
        "postgres",
        "-d",
        database,
        "-qAtX",
        "-v",
        "ON_ERROR_STOP=1",
      ],
      statement,
    )
  ).trim();
