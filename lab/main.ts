import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { escrow } from "../escrow/escrow.js";
import { fireDrill } from "../fire-drill/fireDrill.js";
import { status } from "../status/status.js";
import { down } from "./down.js";
import { clusterCommand } from "./kubernetes/main.js";
import { holdName } from "./nameLock.js";
import { outputs } from "./outputs.js";
import { say } from "./progress.js";
import { render } from "./render.js";
import { CommandFailed } from "./shell.js";
import { storeBinary } from "./store.js";
import { ensureToolchain } from "./toolchain/toolchain.js";
import { up } from "./up.js";
import { world } from "./world.js";

const help = `Usage: npm run lab [-- OPTIONS]            everything, from nothing to a passed restore drill
       npm run lab:kubernetes [-- OPTIONS] the same, with a Kubernetes and four databases in it
       npm run lab:down [-- OPTIONS]       takes away everything that the lab made
       npm run --silent lab:outputs [-- OPTIONS]   the stack's outputs as JSON

  --name NAME         name of the lab (default: lab); two labs stand side by side
  --subnet A.B.C      first three numbers of its /24 network (default: 10.77.0)
  --postgres MAJOR    17 (Debian 13's) or 15 (Debian 12's); default: what the lab has, else 17
  --hosts N           1, or 2: the formation over two hosts, with three data nodes; default: what the lab has, else 1
  --cluster-subnet A.B.C  first three numbers of the Kubernetes' /24 network (default: 10.88.0)
  --no-drill          up: stop after the first backup
  --cache             down: also remove what was built once per machine (CLI, S3 server, image)
  --show-secrets      outputs: print secret values
  --help              this text

RESTORABLE_LAB_NAME and RESTORABLE_LAB_SUBNET set the same. Interrupted and run again, it goes on where it was.
Exit codes: 0 done, 1 failed, 3 something is missing on this machine.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main(): Promise<void> {
  if (process.argv[2] === "render") return render(process.argv.slice(3));
  if (process.argv[2] === "fire-drill") return fireDrill(process.argv.slice(3));
  if (process.argv[2] === "escrow") return escrow(process.argv.slice(3));
  if (process.argv[2] === "status") return status(process.argv.slice(3));
  if (process.argv[2] === "cluster") return clusterCommand(process.argv.slice(3), root);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: "string", default: process.env.RESTORABLE_LAB_NAME ?? "lab" },
      subnet: { type: "string", default: process.env.RESTORABLE_LAB_SUBNET ?? "10.77.0" },
      postgres: { type: "string" },
      hosts: { type: "string" },
      kubernetes: { type: "boolean", default: false },
      "cluster-subnet": { type: "string" },
      "no-drill": { type: "boolean", default: false },
      cache: { type: "boolean", default: false },
      "show-secrets": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [command] = positionals;
  if (values.help || command === undefined) return console.log(help);
  const { name, subnet, postgres, hosts, kubernetes, "cluster-subnet": clusterSubnet } = values;
  const lab = world({ name, subnet, root, postgres, hosts, kubernetes, clusterSubnet });
  if (command === "up" || command === "down") holdName(lab.name, `${command} in ${root}`);
  if (command === "up") return up(lab, { drill: !values["no-drill"] });
  if (command === "down") return down(lab, { cache: values.cache });
  if (command === "outputs") return outputs(lab, { showSecrets: values["show-secrets"] });
  if (command === "toolchain") {
    await ensureToolchain({ cacheDir: lab.cache, projectRoot: root, log: say });
    await storeBinary(lab, say);
    return;
  }
  throw new Error(`unknown command ${command}; --help lists them`);
}

main().catch((error: unknown) => {
  const message = error instanceof CommandFailed || error instanceof Error ? error.message : String(error);
  console.error(`\nrestorable: ${message}`);
  process.exitCode = 1;
});
