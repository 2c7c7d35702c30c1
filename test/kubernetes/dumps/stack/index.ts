import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { makeKubernetes } from "../../../../components/makeKubernetes.js";
import { planKubernetes } from "../../../../planKubernetes.js";
import { readBundle } from "../../../../remote/bundle.js";
import { completeKubernetes, kubernetesSchema } from "../../../../settings/kubernetes.js";

const config = new pulumi.Config();
const kubernetes = completeKubernetes(kubernetesSchema.parse(config.requireObject("kubernetes")));
const planned = planKubernetes({
  kubernetes,
  backup: { stanza: "main" },
  metrics: { prefix: "veza", directory: "/var/lib/node_exporter" },
});
if (!planned) throw new Error("no cluster in the settings");
const key = (of: string) => ({
  key: config.requireSecret(`kubernetes${of}Key`),
  keySecret: config.requireSecret(`kubernetes${of}KeySecret`),
});
await makeKubernetes(
  "kubernetes",
  {
    ...planned,
    // As of a store that the stack makes itself.
    cnpg: planned.cnpg.map((cluster) => ({ ...cluster, ownCa: true })),
    kubeconfig: readFileSync(kubernetes.kubeconfigFile ?? "", "utf8"),
    scripts: readBundle().files,
    writer: key("Writer"),
    reader: key("Reader"),
    identity: config.requireSecret("kubernetesIdentity"),
    storeCa: readFileSync(config.require("storeCa"), "utf8"),
  },
  {},
);
