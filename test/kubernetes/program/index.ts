import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const provider = new k8s.Provider("cluster", {
  kubeconfig: config.requireSecret("kubeconfig"),
  upsertExistingObjects: true,
  enableConfigMapMutable: true,
  enableSecretMutable: true,
});
const options = { provider };
const namespace = new k8s.core.v1.Namespace("space", { metadata: { name: "plugin" } }, options).metadata.name;
const metadata = (name: string) => ({ name, namespace });

new k8s.core.v1.ConfigMap(
  "settings",
  { metadata: metadata("settings"), data: { greeting: config.require("greeting") } },
  options,
);
new k8s.core.v1.ConfigMap("unnamed", { metadata: { namespace }, data: {} }, options);
const secret = new k8s.core.v1.Secret(
  "password",
  { metadata: metadata("password"), stringData: { password: config.requireSecret("password") } },
  options,
);
const container = {
  name: "main",
  image: config.require("image"),
  command: ["sleep", "infinity"],
  env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: secret.metadata.name, key: "password" } } }],
  resources: { requests: { cpu: config.require("cpu") } },
};
const labels = { app: "sleeper" };
new k8s.apps.v1.Deployment(
  "sleeper",
  {
    metadata: metadata("sleeper"),
    spec: {
      selector: { matchLabels: labels },
      strategy: { type: "Recreate" },
      progressDeadlineSeconds: Number(config.require("deadline")),
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [container] },
      },
    },
  },
  options,
);
// Of the job alone: one that waits for an image that is nowhere has no deadline.
const image = config.require("jobImage");
const job = (schedule: string) => ({
  schedule,
  concurrencyPolicy: "Forbid",
  jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", containers: [container] } } } },
});
new k8s.batch.v1.CronJob("dump", { metadata: metadata("dump"), spec: job(config.require("schedule")) }, options);
new k8s.batch.v1.Job(
  "once",
  {
    metadata: metadata("once"),
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ ...container, image, command: ["true"] }] } } },
  },
  options,
);
new k8s.core.v1.ConfigMapPatch(
  "patch",
  { metadata: { name: "theirs", namespace: "default" }, data: { ours: "1" } },
  options,
);
new k8s.apiextensions.CustomResource(
  "store",
  {
    apiVersion: "barmancloud.cnpg.io/v1",
    kind: "ObjectStore",
    metadata: metadata("store"),
    spec: { configuration: { destinationPath: "s3://backups/", endpointURL: config.require("endpoint") } },
  },
  options,
);
