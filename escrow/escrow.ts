import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { labStack } from "../lab/labStack.js";
import { sshPrivateKey } from "../settings/secrets.js";
import { drillEscrow } from "./drill.js";
import { type Escrow, unseal } from "./format.js";
import { makeEscrow, siteOf } from "./make.js";
import { restoreConfiguration } from "./restore.js";
import { showEscrow } from "./show.js";
import type { StackAccess } from "./stack.js";

const help = `Usage: npm run --silent escrow -- --recipient age1... [--recipient ...] [OPTIONS]
                                   writes what a rebuild needs into one age-encrypted file
       npm run --silent escrow -- --show FILE --identity KEYFILE
                                   what is in it, without secret values
       npm run --silent escrow -- --drill FILE --identity KEYFILE [--repository N] [--ssh-key KEY]
                                   a restore drill on the drill host, with what is in it and nothing else
       npm run --silent escrow -- --restore FILE --identity KEYFILE --stack STACK [--repository N] [--target-time TIME]
                                   writes Pulumi.STACK.yaml for a rebuild: then \`pulumi up\`

  --stack STACK         stack of the Pulumi that is set up here (Pulumi.STACK.yaml); without it, the lab's
  --config-file FILE    its settings in FILE
  --name NAME           lab of that name (default: lab)
  --out FILE            where the escrow goes (default: escrow-STACK.age; in the lab .lab/NAME/escrow.age)
  --administrator TEXT  where the bucket administrator's key is kept: noted in the escrow
  --identity KEYFILE    age identity file of a recipient
  --repository N        repository to drill, or to rebuild from (default: the last one, the off-site one)
  --target-time TIME    rebuild up to this moment, as 2026-01-31 14:05:00+00
  --ssh-key KEY         drill: private SSH key for the host, when it is not the one of the settings
  --help                this text

Exit codes: 0 done, 1 it failed (of a drill: the restore failed), 2 a drill could not verify, 64 wrong arguments.
What the file holds, and how a rebuild goes: docs/rebuild.md.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

class UsageError extends Error {}

/** Command `escrow`: prints, and sets the exit code. */
export async function escrow(argv: string[]): Promise<void> {
  try {
    process.exitCode = await run(argv);
  } catch (error) {
    console.error(`restorable: ${(error as Error).message}${error instanceof UsageError ? "; see --help" : ""}`);
    process.exitCode = error instanceof UsageError ? 64 : 1;
  }
}

type Values = ReturnType<typeof parse>;

async function run(argv: string[]): Promise<number> {
  const values = parse(argv);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const modes = [values.show, values.drill, values.restore].filter((file) => file !== undefined);
  if (modes.length > 1) throw new UsageError("one of --show, --drill, --restore");
  const [file] = modes;
  if (file === undefined) return make(values);
  const held = await open(file, values.identity);
  if (values.show !== undefined) {
    console.log(showEscrow(held));
    return 0;
  }
  const repository = repositoryOf(held, values.repository);
  return values.drill === undefined ? restore(values, held, repository) : drill(values, held, repository);
}

async function make(values: Values): Promise<number> {
  const recipients = values.recipient ?? [];
  if (recipients.length === 0) throw new UsageError("--recipient is missing: for whom is the escrow?");
  const access = await accessOf(values);
  const lab = values.stack === undefined && values["config-file"] === undefined;
  const out = resolve(
    values.out ?? (lab ? join(root, ".lab", values.name, "escrow.age") : `escrow-${access.stack}.age`),
  );
  const held = await makeEscrow(access, { recipients, out, administrator: values.administrator });
  console.log(
    `${out}: escrow of stack ${held.stack} for ${recipients.length} recipient${recipients.length === 1 ? "" : "s"}, ${Object.keys(held.secrets).length} secrets. Keep it where neither the stack nor its hosts are; prove it: npm run escrow -- --drill`,
  );
  return 0;
}

async function drill(values: Values, held: Escrow, repository: number): Promise<number> {
  const key =
    values["ssh-key"] === undefined ? held.secrets[sshPrivateKey.name] : readFileSync(values["ssh-key"], "utf8");
  const { sshPrivateKeyFile, ...settings } = held.settings;
  const raw = key === undefined ? { ...settings, sshPrivateKeyFile } : settings;
  const access: StackAccess = { pulumi: "", env: {}, root, stack: held.stack };
  const code = await drillEscrow(siteOf(access, raw, key), held, repository, (text) => process.stdout.write(text));
  console.log(
    code === 0
      ? `The escrow of ${held.madeAt} is enough to restore repository ${repository}.`
      : `The escrow of ${held.madeAt} is NOT proven: the drill ended with ${code}.`,
  );
  return code;
}

async function restore(values: Values, held: Escrow, repository: number): Promise<number> {
  if (values.stack === undefined && values["config-file"] === undefined) throw new UsageError("--stack is missing");
  const access = await accessOf(values);
  const configFile = resolve(values["config-file"] ?? join(root, `Pulumi.${access.stack}.yaml`));
  const targetTime = values["target-time"];
  await restoreConfiguration({ ...access, configFile }, held, {
    repository,
    ...(targetTime === undefined ? {} : { targetTime }),
  });
  console.log(
    `${configFile} is written, its secrets encrypted. Put the new hosts' addresses and keys in, then: pulumi up --stack ${access.stack}`,
  );
  return 0;
}

async function open(file: string, identity: string | undefined): Promise<Escrow> {
  if (identity === undefined) throw new UsageError("--identity is missing");
  for (const path of [file, identity]) if (!existsSync(path)) throw new Error(`${path} is not there`);
  return unseal(readFileSync(file), readFileSync(identity, "utf8"));
}

function repositoryOf({ repositories }: Escrow, wanted: string | undefined): number {
  const numbers = repositories.map(({ number }) => number);
  const number = wanted === undefined ? Math.max(...numbers) : Number(wanted);
  if (!numbers.includes(number)) throw new UsageError(`--repository ${wanted}: the escrow knows ${numbers.join(", ")}`);
  return number;
}

/** The stack of the Pulumi that is set up here, or a lab's. */
async function accessOf(values: Values): Promise<StackAccess> {
  const file = values["config-file"];
  const configFile = file === undefined ? {} : { configFile: resolve(file) };
  if (values.stack === undefined) return { ...(await labStack(values.name, root)), ...configFile };
  return { pulumi: "pulumi", env: {}, root, stack: values.stack, ...configFile };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        recipient: { type: "string", multiple: true },
        show: { type: "string" },
        drill: { type: "string" },
        restore: { type: "string" },
        identity: { type: "string" },
        repository: { type: "string" },
        "target-time": { type: "string" },
        administrator: { type: "string" },
        "ssh-key": { type: "string" },
        out: { type: "string" },
        stack: { type: "string" },
        "config-file": { type: "string" },
        name: { type: "string", default: process.env.RESTORABLE_LAB_NAME ?? "lab" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}
