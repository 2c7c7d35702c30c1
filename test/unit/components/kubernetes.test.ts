import * as pulumi from "@pulumi/pulumi";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { beforeAll, describe, expect, it } from "vitest";
import { makeKubernetes } from "../../../components/makeKubernetes.js";
import { planKubernetes } from "../../../planKubernetes.js";
import { readBundle } from "../../../remote/bundle.js";
import { completeKubernetes, kubernetesSchema } from "../../../settings/kubernetes.js";
import { type Registered, Secret, settled, startEngine } from "./engine.js";

const kubernetes = completeKubernetes(
  kubernetesSchema.parse({
    enabled: true,
    image: "registry.acme.fr/tools:17",
    pushgatewayUrl: "http://10.1.0.9:9091",
    bucket: { endpoint: "s3.acme.fr", bucket: "dumps" },
    databases: [
      { name: "orders", namespace: "shop", service: "db", database: "app", passwordSecret: { name: "db" } },
      { name: "carts", namespace: "shop", service: "db", database: "carts", passwordSecret: { name: "db" } },
      { name: "wiki", namespace: "wiki", cluster: "wiki-db", database: "wiki" },
    ],
    cnpg: [{ cluster: "wiki-db", namespace: "wiki", enabled: true, retentionDays: 60 }],
  }),
);
const plain = ["writer-secret-value", "reader-secret-value", "kubeconfig-text"];
const key = (of: string) => ({
  key: pulumi.secret(`${of}-key-value`),
  keySecret: pulumi.secret(`${of}-secret-value`),
});

let registered: Registered[];
let identity: string;
const ofType = (type: string) => registered.filter((it) => it.type === type);
const place = ({ inputs }: Registered) => {
  const { namespace, name } = inputs.metadata as { namespace?: string; name: string };
  return `${namespace ?? ""}/${name}`;
};

beforeAll(async () => {
  registered = await startEngine("prod");
  identity = await generateIdentity();
  const planned = planKubernetes({
    kubernetes,
    backup: { stanza: "main" },
    metrics: { prefix: "veza", directory: "/m" },
  });
  if (!planned) throw new Error("nothing planned");
  await makeKubernetes(
    "kubernetes",
    {
      ...planned,
      kubeconfig: "kubeconfig-text",
      scripts: readBundle().files,
      writer: key("writer"),
      reader: key("reader"),
      identity: pulumi.secret(identity),
      storeCa: "",
    },
    {},
  );
  await settled();
}, 120_000);

describe("what the stack has in a cluster", () => {
  it("is a dump in each database's namespace, verification and drill in one of their own, and an archive", () => {
    expect(ofType("kubernetes:batch/v1:CronJob").map(place).sort()).toEqual([
      "restorable-drill/cnpg-backup-verify",
      "restorable-drill/restorable-drill",
      "restorable-drill/restorable-inventory",
      "shop/restorable-dump-carts",
      "shop/restorable-dump-orders",
      "wiki/restorable-dump-wiki",
    ]);
    expect(ofType("kubernetes:core/v1:Secret").map(place).sort()).toEqual([
      "restorable-drill/restorable-identity",
      "restorable-drill/restorable-reader",
      "shop/restorable-offcluster",
      "wiki/cnpg-s3-creds-offcluster",
      "wiki/restorable-offcluster",
    ]);
    expect(ofType("kubernetes:core/v1:Namespace").map(place)).toEqual(["/restorable-drill"]);
    expect(ofType("kubernetes:networking.k8s.io/v1:NetworkPolicy")).toHaveLength(4);
    expect(ofType("kubernetes:postgresql.cnpg.io/v1:ClusterPatch").map(place)).toEqual(["wiki/wiki-db"]);
    expect(ofType("kubernetes:postgresql.cnpg.io/v1:ScheduledBackup")).toHaveLength(1);
  });

  it("keeps every secret marked as one, wherever it goes", () => {
    const open = (value: unknown): unknown => {
      if (value instanceof Secret) return "[secret]";
      if (Array.isArray(value)) return value.map(open);
      if (value === null || typeof value !== "object") return value;
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, open(inner)]));
    };
    const text = JSON.stringify(registered.map(({ inputs }) => open(inputs)));
    for (const secret of [...plain, identity]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString("base64").slice(0, 16));
    }
    const [provider] = ofType("pulumi:providers:kubernetes");
    expect(provider?.inputs.kubeconfig).toBeInstanceOf(Secret);
  });

  it("has public keys only where it dumps, and says so openly", async () => {
    const recipient = await identityToRecipient(identity);
    const data = Object.fromEntries(
      ofType("kubernetes:core/v1:ConfigMap").map((it) => [place(it), it.inputs.data as Record<string, string>]),
    );
    expect(data["shop/restorable-public"]?.recipients).toBe(recipient);
    expect(data["restorable-drill/restorable-public"]).not.toHaveProperty("recipients");
  });

  it("takes each archive's own settings, not those of the dumps", () => {
    const [store] = ofType("kubernetes:barmancloud.cnpg.io/v1:ObjectStore");
    expect(store?.inputs.spec).toMatchObject({
      retentionPolicy: "60d",
      configuration: { s3Credentials: { accessKeyId: { name: "cnpg-s3-creds-offcluster", key: "ACCESS_KEY_ID" } } },
    });
  });

  it("switches the archive before the first base backup, and after the place for it is there", () => {
    const needs = (type: string) => ofType(type)[0]?.dependencies.join();
    expect(needs("kubernetes:postgresql.cnpg.io/v1:ClusterPatch")).toContain("-store");
    expect(needs("kubernetes:postgresql.cnpg.io/v1:ScheduledBackup")).toContain("-cluster");
  });
});
