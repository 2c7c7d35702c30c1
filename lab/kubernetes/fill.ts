import { stringify } from "yaml";
import { CommandFailed, shell } from "../shell.js";
import type { Cluster } from "./cluster.js";
import { longhornDefinitions, realDefinitions } from "./definitions.js";
import { credentials, manifests, type Sample, samples, secretOf } from "./samples.js";

/** `kubectl` with its arguments and input. */
export type Kubectl = (args: string[], input?: string) => Promise<string>;

/** `kubectl` of a path, on a cluster. */
export const kubectlOn =
  (binary: string, { kubeconfig }: Pick<Cluster, "kubeconfig">): Kubectl =>
  (args, input) =>
    shell([binary, `--kubeconfig=${kubeconfig}`, ...args], input === undefined ? {} : { input });

const apply = (kubectl: Kubectl, objects: object[]): Promise<string> =>
  kubectl(
    ["apply", "--server-side", "--field-manager=restorable-lab", "-f", "-"],
    objects.map((object) => stringify(object)).join("---\n"),
  );

/** Whether there is such an object. @throws CommandFailed when the server does not tell */
const exists = (kubectl: Kubectl, namespace: string, object: string): Promise<boolean> =>
  kubectl(["get", "-n", namespace, object, "-o", "name"]).then(
    () => true,
    (error: unknown) => {
      if (error instanceof CommandFailed && error.output.includes("(NotFound)")) return false;
      throw error;
    },
  );

/** Definitions of the kinds that Longhorn, CNPG and its backup plugin have. */
export async function defineKinds(kubectl: Kubectl): Promise<void> {
  await apply(kubectl, longhornDefinitions());
  await kubectl(["apply", "--server-side", "--field-manager=restorable-lab", "-f", "-"], await realDefinitions());
  await established(kubectl);
}

/** `kubectl wait` gives up on a definition that has no conditions at all yet: it is asked again. */
async function established(kubectl: Kubectl): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await kubectl(["wait", "--for=condition=Established", "--timeout=300s", "crd", "--all"]);
      return;
    } catch (error) {
      if (tries === 20 || !(error instanceof CommandFailed && error.output.includes("accessor error"))) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function fillOne(kubectl: Kubectl, sample: Sample): Promise<void> {
  const { namespace, name } = sample;
  await apply(kubectl, [{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }]);
  // On standard input: no password is ever an argument.
  if (!(await exists(kubectl, namespace, `secret/${secretOf(sample)}`))) await apply(kubectl, [credentials(sample)]);
  await apply(kubectl, manifests(sample));
  await kubectl(["-n", namespace, "rollout", "status", `statefulset/${name}`, "--timeout=900s"]);
}

/** Puts definitions and the sample databases into a cluster; run again, it changes nothing. */
export async function fill(kubectl: Kubectl): Promise<string> {
  await defineKinds(kubectl);
  await Promise.all(samples.map((sample) => fillOne(kubectl, sample)));
  return samples.map(({ namespace, name }) => `${namespace}/${name}`).join(", ");
}
