import { parseArgs } from "node:util";
import { say, step } from "../progress.js";
import { world } from "../world.js";
import { binaries } from "./binaries.js";
import { clusterOf } from "./cluster.js";
import { images } from "./images.js";
import { clusterDown, clusterUp } from "./up.js";

const help = `Usage: node lab/cli.mjs cluster up|down|build [--name NAME] [--cluster-subnet A.B.C]

A Kubernetes of one node, without the rest of the lab: what \`npm run lab:kubernetes\` adds to it.

  up      starts it, or what of it does not run; the last line is the path of its kubeconfig
  down    takes it away with all that runs in it
  build   only builds what it needs, once for this machine

  --name NAME             name of the lab that it belongs to (default: lab)
  --cluster-subnet A.B.C  first three numbers of the /24 of node and pods (default: 10.88.0)`;

/** `node lab/cli.mjs cluster ...` */
export async function clusterCommand(args: string[], root: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      name: { type: "string", default: process.env.RESTORABLE_LAB_NAME ?? "lab" },
      "cluster-subnet": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const [command] = positionals;
  if (values.help || command === undefined) return console.log(help);
  const cluster = clusterOf(world({ name: values.name, subnet: "10.77.0", root }), values["cluster-subnet"]);
  if (command === "build") {
    await Promise.all([binaries(root, cluster.cache, say), images(root, cluster.cache, say)]);
  } else if (command === "up") {
    await step("kubernetes", (note) => clusterUp(cluster, root, note));
    console.log(cluster.kubeconfig);
  } else if (command === "down") {
    await step("kubernetes", () => clusterDown(cluster));
  } else throw new Error(`unknown command cluster ${command}; --help lists them`);
}
