import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ask } from "./prometheus.js";
import { type Question, questions } from "./questions.js";
import { type Answers, report } from "./report.js";
import { readSource } from "./source.js";

const help = `Usage: npm run --silent status [-- OPTIONS]

The formation, its backups and drills at a glance, as Prometheus knows them. Changes nothing and needs no secret.

  --name NAME           lab of that name (default: lab)
  --stack STACK         the stack whose settings are in Pulumi.STACK.yaml
  --config-file FILE    the stack whose settings are in FILE
  --prometheus URL      ask this Prometheus (default: the one in the settings)
  --json                all answers as JSON
  --help                this text

Exit codes: 0 all is well, 1 something is wrong, 2 not everything could be seen, 64 wrong arguments.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const codes = { well: 0, wrong: 1, unknown: 2 } as const;

/** Command `status`: prints, and sets the exit code. */
export async function status(argv: string[]): Promise<void> {
  try {
    process.exitCode = await run(argv);
  } catch (error) {
    console.error(`restorable: ${(error as Error).message}`);
    process.exitCode = 2;
  }
}

async function run(argv: string[]): Promise<number> {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(argv);
  } catch (error) {
    console.error(`restorable: ${(error as Error).message.split(". ")[0]}; see --help`);
    return 64;
  }
  if (values.help) {
    console.log(help);
    return 0;
  }
  const { url, prefix } = readSource(settingsFile(values), values.prometheus);
  const names = Object.entries(questions(prefix)) as [Question, string][];
  const answered = await Promise.all(names.map(async ([name, expr]) => [name, await ask(url, expr)] as const));
  const answers = Object.fromEntries(answered) as unknown as Answers;
  const { text, verdict } = report(answers, url, new Date());
  console.log(values.json ? JSON.stringify({ verdict, answers }, null, 2) : text);
  return codes[verdict];
}

function parse(args: string[]) {
  return parseArgs({
    args,
    options: {
      name: { type: "string", default: process.env.RESTORABLE_LAB_NAME ?? "lab" },
      stack: { type: "string" },
      "config-file": { type: "string" },
      prometheus: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
}

function settingsFile(values: ReturnType<typeof parse>): string {
  const file = values["config-file"];
  if (file !== undefined) return resolve(file);
  if (values.stack !== undefined) return join(root, `Pulumi.${values.stack}.yaml`);
  const own = join(root, ".lab", values.name, "Pulumi.lab.yaml");
  if (!existsSync(own)) throw new Error(`there is no lab ${values.name}: \`npm run lab\` makes it; or name a --stack`);
  return own;
}
