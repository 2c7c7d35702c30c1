import { describe, expect, it } from "vitest";
import { completeKubernetes, kubernetesSchema } from "../../../settings/kubernetes.js";
import { kubernetesChecks } from "../../../settings/kubernetesChecks.js";
import { parseSettings } from "../../../settings.js";
import { changed, goodSecrets, refusal } from "./fixture.js";

const image = "registry.acme.fr/tools:17";
const kubeconfig = "apiVersion: v1\nclusters: []\nusers: []\n";
const orders = { name: "orders", namespace: "shop", service: "db", database: "app", passwordSecret: { name: "db" } };
const wiki = { name: "wiki", namespace: "wiki", cluster: "wiki-db", database: "wiki" };
const pushgatewayUrl = "http://10.1.0.9:9091";
const kubernetes = { enabled: true, image, pushgatewayUrl, databases: [orders, wiki] };
const complete = (raw: object) => completeKubernetes(kubernetesSchema.parse({ image, ...raw }));

describe("kubernetes", () => {
  it("finds Service and Secret of a CNPG cluster by its name, and staggers the dumps past midnight", () => {
    const { databases } = complete({ databases: [orders, wiki], schedule: "55 23 * * *" });
    expect(databases).toMatchObject([
      { source: "db", service: "db", passwordSecret: { name: "db", userKey: "username" }, schedule: "55 23 * * *" },
      { source: "wiki-db", service: "wiki-db-rw", passwordSecret: { name: "wiki-db-app" }, schedule: "5 0 * * *" },
    ]);
  });

  it.each([
    ["an image without a tag", { image: "registry.acme.fr/tools" }],
    ["a schedule that is not daily", { schedule: "0 * * * *" }],
    ["a retention below a week", { retentionDays: 6 }],
    ["a secret key as recipient", { recipients: ["AGE-SECRET-KEY-1GFPYYSJZ"] }],
    ["a name that is no folder", { databases: [{ ...orders, name: "a/b" }] }],
  ])("refuses %s", (_, raw) => {
    expect(kubernetesSchema.safeParse({ image, ...raw }).success).toBe(false);
  });

  it.each<[string, object, string]>([
    ["no Service", { databases: [{ ...orders, service: undefined }] }, "kubernetes.databases.0.service"],
    ["Service and cluster", { databases: [{ ...orders, cluster: "x" }] }, "kubernetes.databases.0.service"],
    ["no password", { databases: [{ ...orders, passwordSecret: {} }] }, "kubernetes.databases.0.passwordSecret.name"],
    ["a CA that is missing", { databases: [{ ...wiki, sslMode: "verify-full" }] }, "kubernetes.databases.0.caSecret"],
    ["a name twice", { databases: [orders, { ...wiki, name: "orders" }] }, "kubernetes.databases.1.name"],
    ["a database twice", { databases: [orders, { ...orders, name: "b" }] }, "kubernetes.databases.1.database"],
    ["a folder of others", { prefix: "exports" }, "kubernetes.prefix"],
    [
      "a drill among living databases",
      { databases: [orders], drill: { namespace: orders.namespace } },
      "kubernetes.drill.namespace",
    ],
    [
      "two archives that would share a Secret",
      { cnpg: ["a", "b"].map((cluster) => ({ cluster, namespace: "data", enabled: true })) },
      "kubernetes.cnpg.1.secretName",
    ],
    ["nobody to report to", { pushgatewayUrl: undefined }, "kubernetes.pushgatewayUrl"],
  ])("finds %s", (_, change, key) => {
    const problems = kubernetesChecks({ offsite: {}, kubernetes: { ...kubernetes, ...change } });
    expect(problems.map(({ path }) => path.join("."))).toEqual([key]);
  });

  it("needs a place for the dumps: the off-site bucket or one of its own", () => {
    expect(kubernetesChecks({ kubernetes }).map(({ path }) => path.join("."))).toEqual(["kubernetes.bucket"]);
    expect(kubernetesChecks({ kubernetes: { ...kubernetes, bucket: {} } })).toEqual([]);
    expect(kubernetesChecks({ kubernetes: { ...kubernetes, enabled: false } })).toEqual([]);
  });

  it("asks for its secrets only when it is switched on, and for keys only with a bucket of its own", () => {
    const { kubernetesIdentity, ...others } = goodSecrets;
    expect(refusal(changed({ kubernetes }), others).keys).toEqual([
      "restorable:kubernetesIdentity",
      "restorable:kubeconfig",
    ]);
    const all: Record<string, string> = { ...goodSecrets, kubeconfig };
    const { kubernetesReaderKey, ...without } = all;
    expect(parseSettings(changed({ kubernetes }), without).kubernetes?.enabled).toBe(true);
    const bucket = { endpoint: "s3.acme.fr", bucket: "dumps" };
    expect(refusal(changed({ kubernetes: { ...kubernetes, bucket } }), without).keys).toEqual([
      "restorable:kubernetesReaderKey",
    ]);
    expect(() => parseSettings(changed({ kubernetes: { ...kubernetes, enabled: false } }), others)).not.toThrow();
  });

  it("refuses one identity for dumps and exports, and a kubeconfig that is none, without showing either", () => {
    const { exportsIdentity = "" } = goodSecrets;
    const same = refusal(changed({ kubernetes }), { ...goodSecrets, kubeconfig, kubernetesIdentity: exportsIdentity });
    expect(same.keys).toEqual(["restorable:kubernetesIdentity"]);
    const text = "some-text-that-nobody-should-read";
    const none = refusal(changed({ kubernetes }), { ...goodSecrets, kubeconfig: text });
    expect(none.keys).toEqual(["restorable:kubeconfig"]);
    expect(none.message + same.message).not.toMatch(`${text}|${exportsIdentity}`);
  });
});
