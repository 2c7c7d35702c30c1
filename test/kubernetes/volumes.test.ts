import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectlOf } from "../../lab/kubernetes/binaries.js";
import { apply, cluster, get, kubectl, root, scratch } from "./cluster.js";

const directory = scratch("volumes");
const folders = { root: join(directory, "backups"), copies: join(directory, "k3s_volumes") };
const system = "longhorn-system";
const names = ["dump-one", "dump-two"];

const run = (script: string, ...words: string[]) =>
  execa(join(root, "scripts/dump", script), words, {
    all: true,
    reject: false,
    env: {
      RESTORABLE_DUMP_ENV: join(directory, "dump.env"),
      DUMP_LOCK: join(directory, "lock"),
      PATH: `${dirname(kubectlOf(root, cluster.cache))}:${process.env.PATH}`,
    },
  });
const newest = (folder: string) => join(folder, readdirSync(folder).sort().at(-1) ?? "");
/** What a restore has to bring back, without what the API server numbers anew. */
const records = async () =>
  Promise.all(
    names.flatMap((name) => [
      get("default", `persistentvolume/${name}`).then(({ spec, metadata }) => ({
        name: metadata.name,
        labels: metadata.labels,
        spec: { ...spec, claimRef: { name: spec.claimRef.name, namespace: spec.claimRef.namespace } },
      })),
      get("dumped", `persistentvolumeclaim/${name}`).then(({ spec }) => spec),
      get(system, `volumes.longhorn.io/${name}`).then(({ spec }) => spec),
    ]),
  );
const settings = () => get(system, "settings.longhorn.io/dump-replicas").then(({ value }) => value);
const bound = () =>
  Promise.all(
    names.map((name) =>
      kubectl(["-n", "dumped", "wait", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s", `pvc/${name}`]),
    ),
  );
const clear = async () => {
  await kubectl(["delete", "namespace", "dumped", "--ignore-not-found"]);
  await kubectl(["delete", "pv", ...names, "--ignore-not-found"]);
  await kubectl(["-n", system, "delete", "volumes.longhorn.io", ...names, "--ignore-not-found"]);
  await kubectl(["-n", system, "delete", "settings.longhorn.io", "dump-replicas", "--ignore-not-found"]);
};

beforeAll(async () => {
  mkdirSync(folders.root, { recursive: true });
  mkdirSync(join(directory, "metrics"), { recursive: true });
  writeFileSync(
    join(directory, "dump.env"),
    `KIND=k3s_pvc HOST=node1 ROOT=${folders.root} REQUIRE_MOUNT=0 KEEP_DAYS=3 MINIMUM_RATIO=0.5 TIME_LIMIT_SECONDS=120
METRICS_DIRECTORY=${join(directory, "metrics")} METRICS_PREFIX=veza KUBECONFIG=${cluster.kubeconfig} COPY_DIRECTORY=${folders.copies}
`,
  );
  const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await apply(namespace("dumped"), namespace(system));
  for (const [index, name] of names.entries())
    await apply(
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name, labels: { disk: `disk-${index}` } },
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          persistentVolumeReclaimPolicy: "Retain",
          storageClassName: "longhorn",
          csi: { driver: "driver.longhorn.io", volumeHandle: name },
        },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name, namespace: "dumped" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "longhorn",
          volumeName: name,
          resources: { requests: { storage: "1Gi" } },
        },
      },
      {
        apiVersion: "longhorn.io/v1beta2",
        kind: "Volume",
        metadata: { name, namespace: system },
        spec: { size: "1073741824", numberOfReplicas: index + 1, diskSelector: [`disk-${index}`] },
      },
    );
  await apply({
    apiVersion: "longhorn.io/v1beta2",
    kind: "Setting",
    metadata: { name: "dump-replicas", namespace: system },
    value: "2",
  });
  await bound();
});

afterAll(async () => {
  await clear();
  rmSync(directory, { recursive: true, force: true });
});

describe("F4 records of volumes", () => {
  it("are dumped from the real API server, whole, with a copy beside the scripts", async () => {
    const { exitCode, all } = await run("backup.sh");
    expect(exitCode, all).toBe(0);
    const file = newest(join(folders.root, "k3s_pvc"));
    const text = readFileSync(file, "utf8");
    expect(text.match(/^---$/gm)).toHaveLength(2);
    for (const part of [...names, "dump-replicas"]) expect(text).toContain(`name: ${part}`);
    expect(readFileSync(newest(folders.copies), "utf8")).toBe(text);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(directory, "metrics/veza_dump_k3s_pvc.prom"), "utf8")).toContain(
      'veza_dump_failed{kind="k3s_pvc",host="node1"} 0',
    );
  });

  it("deleted, they come back equal, and each claim is bound to its volume again", async () => {
    const before = await records();
    await clear();
    const { exitCode, all } = await run("restore.sh", "--yes");
    expect(exitCode, all).toBe(0);
    expect(all).toContain(newest(folders.copies));
    await bound();
    expect(await records()).toEqual(before);
    expect(await settings()).toBe("2");
  });

  it("are set to what the dump says where they are, and nothing is deleted", async () => {
    await kubectl([
      "-n",
      system,
      "patch",
      "settings.longhorn.io",
      "dump-replicas",
      "--type=merge",
      "-p",
      '{"value":"3"}',
    ]);
    const { exitCode, all } = await run("restore.sh", "--yes");
    expect(exitCode, all).toBe(0);
    expect(all).toContain("not empty: ");
    expect(await settings()).toBe("2");
    await bound();
  });

  it("the API server does not answer: the earlier dump stays", async () => {
    const file = newest(join(folders.root, "k3s_pvc"));
    const before = readFileSync(file, "utf8");
    const env = join(directory, "dump.env");
    const text = readFileSync(env, "utf8");
    writeFileSync(join(directory, "nowhere"), readFileSync(cluster.kubeconfig, "utf8").replace(/:6443/g, ":1"));
    writeFileSync(env, text.replace(`KUBECONFIG=${cluster.kubeconfig}`, `KUBECONFIG=${join(directory, "nowhere")}`));
    const { exitCode, all } = await run("backup.sh");
    writeFileSync(env, text);
    expect(exitCode, all).toBe(1);
    expect(all).toContain("the cluster does not answer");
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(readdirSync(join(folders.root, "k3s_pvc"))).toHaveLength(1);
  });
});
