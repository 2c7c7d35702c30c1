import { describe, expect, it } from "vitest";
import { planKubernetes } from "../../../planKubernetes.js";
import { readBundle } from "../../../remote/bundle.js";
import { clusterPatch, objectStore, recoveryCluster, scheduledBackup } from "../../../render/kubernetes/cnpg.js";
import {
  backupsJson,
  bucketScripts,
  drillJob,
  dumpJob,
  dumpScripts,
  inventoryAccount,
  inventoryJob,
  inventoryScripts,
  verifyJob,
} from "../../../render/kubernetes/jobs.js";
import { networkPolicy, targetOf } from "../../../render/kubernetes/networkPolicy.js";
import { scriptsData } from "../../../render/kubernetes/pods.js";
import { completeKubernetes, kubernetesSchema } from "../../../settings/kubernetes.js";

const kubernetes = completeKubernetes(
  kubernetesSchema.parse({
    enabled: true,
    image: "registry.acme.fr/tools:17",
    pushgatewayUrl: "http://10.1.0.9:9091",
    bucket: { endpoint: "s3.acme.fr", bucket: "dumps" },
    databases: [
      {
        ...{ name: "orders", namespace: "shop", service: "db", database: "app", passwordSecret: { name: "db" } },
        floor: { query: "SELECT count(*) FROM users", minimum: 10 },
      },
      {
        name: "wiki",
        namespace: "wiki",
        cluster: "wiki-db",
        database: "wiki",
        sslMode: "verify-full",
        caSecret: { name: "wiki-db-ca" },
      },
    ],
    cnpg: [
      { cluster: "wiki-db", namespace: "wiki", enabled: true },
      { cluster: "off", namespace: "wiki" },
    ],
  }),
);
const planned = planKubernetes({
  kubernetes,
  backup: { stanza: "main" },
  metrics: { prefix: "veza", directory: "/m" },
});
if (!planned) throw new Error("nothing planned");
const { jobs, dumps, drill } = planned;
const dump = (index: number) => {
  const found = dumps[index];
  if (!found) throw new Error(`no dump ${index}`);
  return dumpJob(jobs, found, "writer", 30);
};
const inventory = inventoryJob(jobs, drill.namespace);
const all = [dump(0), dump(1), verifyJob(jobs, drill.namespace, "0 6 * * *", 30), drillJob(jobs, drill), inventory];

describe("jobs of a cluster", () => {
  it("are as in the golden file", async () => {
    await expect(`${JSON.stringify(all, undefined, 2)}\n`).toMatchFileSnapshot("golden/clusterJobs.json");
  });

  it.each(all.map((job) => [job.metadata.name, job] as const))(
    "%s: one at a time, bounded, unprivileged",
    (_, { spec }) => {
      const job = spec.jobTemplate.spec;
      const pod = job.template.spec;
      const [container] = pod.containers;
      expect(spec.concurrencyPolicy).toBe("Forbid");
      expect(job.backoffLimit).toBeGreaterThanOrEqual(1);
      expect(job.activeDeadlineSeconds).toBeGreaterThan(0);
      expect(pod.securityContext.runAsNonRoot).toBe(true);
      expect(pod.securityContext.seccompProfile.type).toBe("RuntimeDefault");
      expect(container?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(container?.resources.requests).toHaveProperty("memory");
    },
  );

  it("give the drill no credential of a database, and the verification no identity", () => {
    const secrets = (job: (typeof all)[number]) =>
      job.spec.jobTemplate.spec.template.spec.volumes.flatMap((volume) =>
        "secret" in volume ? volume.secret.secretName : [],
      );
    expect(all.map(secrets)).toEqual([
      ["writer", "db"],
      ["writer", "wiki-db-app", "wiki-db-ca"],
      ["restorable-reader"],
      ["restorable-reader", "restorable-identity"],
      [],
    ]);
  });

  it("get no token of the API, but for the inventory, which may only list, and no Secret", () => {
    expect(all.map((job) => job.spec.jobTemplate.spec.template.spec.automountServiceAccountToken)).toEqual(
      all.map((job) => job === inventory),
    );
    const { account, role, binding } = inventoryAccount("drills");
    expect(role.rules).toEqual([
      { apiGroups: [""], resources: ["pods", "services", "persistentvolumeclaims"], verbs: ["list"] },
    ]);
    expect(binding.roleRef.name).toBe(role.metadata.name);
    expect(binding.subjects).toEqual([{ kind: "ServiceAccount", name: account.metadata.name, namespace: "drills" }]);
  });

  it("have every script that they name, and what it sources", () => {
    const { files } = readBundle();
    for (const paths of [dumpScripts, bucketScripts, inventoryScripts]) {
      const data = scriptsData(paths, files);
      expect(Object.keys(data)).toHaveLength(paths.length);
      const sourced = Object.values(data).flatMap((text) => [
        ...text.matchAll(/^# shellcheck source=scripts\/(.*)$/gm),
      ]);
      for (const [, path = ""] of sourced) expect(paths, path).toContain(path);
    }
    expect(() => scriptsData(["no.sh"], files)).toThrow("no no.sh in scripts/");
  });

  it("say which backups there should be", () => {
    expect(JSON.parse(backupsJson(planned.backups))).toEqual({
      databases: [
        {
          ...{ name: "orders", namespace: "shop", source: "db", database: "app", major: 17 },
          ...{ query: "SELECT count(*) FROM users", minimum: 10 },
        },
        { name: "wiki", namespace: "wiki", source: "wiki-db", database: "wiki", major: 17 },
      ],
      cnpg: [
        {
          ...{ name: "wiki-db", namespace: "wiki", source: "wiki-db", database: "@cnpg" },
          root: "exports:dumps/kubernetes/cnpg/wiki/wiki-db",
        },
      ],
    });
  });
});

describe("network policy", () => {
  it("lets out to names, bucket, Pushgateway and the databases of the namespace, and nobody in", () => {
    const { spec } = networkPolicy({ app: "a", namespace: "n", targets: planned.targets, databasePorts: [5432, 5432] });
    expect(spec.policyTypes).toEqual(["Ingress", "Egress"]);
    expect(spec).not.toHaveProperty("ingress");
    expect(spec.egress).toEqual([
      {
        ports: [
          { protocol: "UDP", port: 53 },
          { protocol: "TCP", port: 53 },
        ],
      },
      { ports: [{ protocol: "TCP", port: 443 }] },
      { to: [{ ipBlock: { cidr: "10.1.0.9/32" } }], ports: [{ protocol: "TCP", port: 9091 }] },
      { to: [{ podSelector: {} }], ports: [{ protocol: "TCP", port: 5432 }] },
    ]);
    expect(targetOf("https://push.acme.fr/x")).toEqual({ host: "push.acme.fr", port: 443 });
  });
});

describe("archive of a CNPG cluster", () => {
  const [archive] = planned.cnpg;
  if (!archive) throw new Error("no archive");

  it("is planned only where it is switched on", () => {
    expect(planned.cnpg.map(({ cluster }) => cluster)).toEqual(["wiki-db"]);
  });

  it("is as in the golden file, and recovers from where it was written to", async () => {
    const objects = [objectStore(archive), clusterPatch(archive), scheduledBackup(archive), recoveryCluster(archive)];
    await expect(`${JSON.stringify(objects, undefined, 2)}\n`).toMatchFileSnapshot("golden/cnpg.json");
    const [external] = recoveryCluster(archive).spec.externalClusters;
    expect(external?.plugin.parameters).toEqual({
      barmanObjectName: objectStore(archive).metadata.name,
      serverName: archive.cluster,
    });
  });

  it("changes nothing of the Cluster but its plugins", () => {
    expect(Object.keys(clusterPatch(archive).spec)).toEqual(["plugins"]);
  });
});
