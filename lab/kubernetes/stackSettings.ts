import { toolsImage } from "./images.js";
import { samples, secretOf } from "./samples.js";

/** `restorable:kubernetes` of a lab with a cluster: its sample databases, each with the rows that are due. */
export const clusterSettings = (lab: string) => ({
  enabled: true,
  kubeconfigFile: `.lab/${lab}/kubernetes/kubeconfig`,
  image: toolsImage,
  databases: samples.map((sample) => ({
    name: sample.database,
    namespace: sample.namespace,
    [sample.kind === "cnpg" ? "cluster" : "service"]: sample.name,
    database: sample.database,
    passwordSecret: { name: secretOf(sample) },
    floor: { query: `SELECT count(*) FROM ${sample.table}`, minimum: sample.rows },
  })),
  drill: { size: "1Gi", memory: "1Gi" },
});

/** What the sample servers have beside their sample, left without a dump on purpose. */
export const clusterAccepted = [
  { place: "kubernetes", name: "postgres", reason: "the maintenance database that every server has: nothing is in it" },
];
