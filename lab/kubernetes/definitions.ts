import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../shell.js";

/** Definitions that ship in a Go module: what a real cluster has. */
const real = [
  {
    module: "github.com/cloudnative-pg/cloudnative-pg@v1.30.0",
    files: ["clusters", "scheduledbackups", "backups"].map((plural) => `postgresql.cnpg.io_${plural}.yaml`),
  },
  {
    module: "github.com/cloudnative-pg/plugin-barman-cloud@v0.15.0",
    files: ["barmancloud.cnpg.io_objectstores.yaml"],
  },
];

const anything = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** Longhorn's, by hand: it keeps what it is given, and gives it back. */
const longhorn = (kind: string, plural: string, properties: object): object => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.longhorn.io` },
  spec: {
    group: "longhorn.io",
    scope: "Namespaced",
    names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
    versions: [
      {
        name: "v1beta2",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", properties: { ...properties, status: anything } } },
      },
    ],
  },
});

export const longhornDefinitions = (): object[] => [
  longhorn("Volume", "volumes", { spec: anything }),
  // A setting has its value beside the metadata.
  longhorn("Setting", "settings", { value: { type: "string" } }),
];

/** The real definitions as YAML, out of their pinned Go modules. */
export async function realDefinitions(): Promise<string> {
  const texts: string[] = [];
  for (const { module, files } of real) {
    const { Dir } = JSON.parse(await shell(["go", "mod", "download", "-json", module], { cwd: "/" })) as {
      Dir: string;
    };
    for (const file of files) texts.push(readFileSync(join(Dir, "config/crd/bases", file), "utf8"));
  }
  return texts.join("\n---\n");
}
