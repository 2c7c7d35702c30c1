import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureToolchain } from "../../lab/toolchain/toolchain.js";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const scratch = mkdtempSync(join(tmpdir(), "restorable-policy-"));
let preview: (...args: string[]) => Promise<{ code: number; output: string }>;

beforeAll(async () => {
  const cacheDir =
    process.env.RESTORABLE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "restorable");
  const toolchain = await ensureToolchain({ cacheDir, projectRoot: root, log: () => {} });
  mkdirSync(join(scratch, "state"));
  const env = {
    PATH: [...toolchain.path, process.env.PATH ?? ""].join(delimiter),
    PULUMI_HOME: join(scratch, "home"),
    PULUMI_BACKEND_URL: `file://${join(scratch, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: toolchain.standIns.length > 0 ? "true" : "false",
  };
  const program = join(root, "test/policy/refused");
  const pulumi = async (cwd: string, ...args: string[]) => {
    const place = ["--cwd", cwd, "--non-interactive", "--color=never"];
    const result = await execa(toolchain.pulumi, [...args, ...place], { env, all: true, reject: false });
    return { code: result.exitCode ?? 255, output: result.all };
  };
  const file = join(scratch, "Pulumi.test.yaml");
  preview = (...args) =>
    pulumi(
      program,
      "preview",
      "--stack",
      "test",
      "--config-file",
      file,
      "--policy-pack",
      join(root, "policy"),
      ...args,
    );
  // `stack init` writes the salt beside the project file: it is given a copy.
  copyFileSync(join(program, "Pulumi.yaml"), join(scratch, "Pulumi.yaml"));
  const made = await pulumi(scratch, "stack", "init", "test");
  expect(made.code, made.output).toBe(0);
}, 180_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it("a preview with the pack fails, names each policy and resource, and shows no secret", async () => {
  const { code, output } = await preview();
  expect(code, output).not.toBe(0);
  expect(output).toMatch(/\[mandatory\] +repository-encrypted +\(command:remote:Command: node\)/);
  expect(output).toContain("repository 1: cipher-type is none; it has to be aes-256-cbc");
  expect(output).toContain("repo1-cipher-pass is empty or a placeholder");
  expect(output).not.toContain("hush");
}, 180_000);

it("a policy is overridden by its name, and says so", async () => {
  const config = join(scratch, "override.json");
  writeFileSync(config, JSON.stringify({ "repository-encrypted": "advisory", "secrets-real": "disabled" }));
  const { code, output } = await preview("--policy-pack-config", config);
  expect(code, output).toBe(0);
  expect(output).toMatch(/\[advisory\] +repository-encrypted/);
  expect(output).not.toContain("secrets-real");
}, 180_000);
