import { ageIdentity } from "../../components/ageIdentity.js";
import { pulumi, pulumiCommand, run, settingsFile } from "./lab.js";

type Shown = { plaintext?: string } | undefined;
interface Export {
  deployment: { resources: { urn: string; outputs?: { result?: Shown; base64?: Shown } }[] };
}
const plain = (shown: Shown) => JSON.parse(shown?.plaintext ?? '""') as string;

/**
 * A copy of the stack's settings in which the lab's secrets are configured, encrypted, instead of generated.
 *
 * @param others values by name that take the place of the lab's own
 * @returns path of the copy
 */
export async function configuredSecrets(others: Record<string, string>): Promise<string> {
  const file = settingsFile((config) => {
    config["restorable:generateSecrets"] = false;
  });
  const { stdout } = await pulumi(["stack", "export", "--show-secrets"]);
  for (const { urn, outputs } of (JSON.parse(stdout) as Export).deployment.resources) {
    const [, name] = /::secrets-(\w+)$/.exec(urn) ?? [];
    if (!name) continue;
    const made = name === "exportsIdentity" ? ageIdentity(plain(outputs?.base64)) : plain(outputs?.result);
    const input = others[name] ?? made;
    const { command, env } = await pulumiCommand(["config", "set", "--secret", `restorable:${name}`], file);
    const { code, output } = await run(command, { env, input });
    if (code !== 0) throw new Error(`pulumi config set ${name}: ${output}`);
  }
  return file;
}
