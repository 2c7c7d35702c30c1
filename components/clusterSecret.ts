import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { managedBy } from "../render/kubernetes/pods.js";

/** An opaque Secret of the stack; every value is secret wherever it came from. */
export function opaqueSecret(
  id: string,
  args: { name: string; namespace: string; data: Record<string, pulumi.Input<string>> },
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return new k8s.core.v1.Secret(
    id,
    {
      metadata: { name: args.name, namespace: args.namespace, labels: { ...managedBy } },
      type: "Opaque",
      data: Object.fromEntries(
        Object.entries(args.data).map(([key, value]) => [key, pulumi.secret(pulumi.output(value).apply(base64))]),
      ),
    },
    opts,
  );
}
