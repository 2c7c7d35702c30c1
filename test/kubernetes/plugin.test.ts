import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { toolsImage } from "../../lab/kubernetes/images.js";
import { ensureToolchain } from "../../lab/toolchain/toolchain.js";
import { apply, cluster, get, kubectl, privateFile, root, scratch, world } from "./cluster.js";

const program = join(root, "test/kubernetes/program");
const directory = scratch("plugin");
const defaults = {
  greeting: "hello",
  schedule: "0 3 * * *",
  cpu: "10m",
  image: toolsImage,
  jobImage: toolsImage,
  endpoint: "https://store.example.org",
  deadline: "600",
  password: "hush-hush",
};
let pulumi: (args: string[], change?: Partial<typeof defaults>) => Promise<{ code: number; output: string }>;

/** The lines of resources that are touched, as `+ name`. */
const touched = (output: string): string[] =>
  [...output.matchAll(/^ +([+~-]{1,2}) +kubernetes:\S+ +(\S+)/gm)].map(([, sign, name]) => `${sign} ${name}`).sort();

beforeAll(async () => {
  await apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "theirs", namespace: "default" },
    data: { a: "1" },
  });
  const toolchain = await ensureToolchain({
    cacheDir: world.cache,
    projectRoot: root,
    log: () => {},
    plugins: ["kubernetes"],
  });
  mkdirSync(join(directory, "state"), { recursive: true });
  const env = {
    PATH: [...toolchain.path, process.env.PATH ?? ""].join(":"),
    PULUMI_HOME: join(directory, "home"),
    PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: toolchain.standIns.length > 0 ? "true" : "false",
  };
  const run = async (cwd: string, args: string[]) => {
    const place = ["--cwd", cwd, "--non-interactive", "--color=never"];
    const result = await execa(toolchain.pulumi, [...args, ...place], { env, all: true, reject: false });
    return { code: result.exitCode ?? 255, output: String(result.all) };
  };
  const kubeconfig = readFileSync(cluster.kubeconfig, "utf8");
  pulumi = (args, change = {}) => {
    const values = Object.entries({ ...defaults, kubeconfig, ...change });
    const config = Object.fromEntries(values.map(([key, value]) => [`restorable:${key}`, value]));
    const file = privateFile(directory, "Pulumi.test.yaml", stringify({ config }));
    return run(program, [...args, "--stack", "test", "--config-file", file]);
  };
  // `stack init` writes the salt beside the project file: it is given a copy.
  copyFileSync(join(program, "Pulumi.yaml"), join(directory, "Pulumi.yaml"));
  const made = await run(directory, ["stack", "init", "test"]);
  expect(made.code, made.output).toBe(0);
});

afterAll(async () => {
  await pulumi?.(["destroy", "--yes", "--skip-preview"]);
});

const up = async (change?: Partial<typeof defaults>) => {
  const result = await pulumi(["up", "--yes", "--skip-preview"], change);
  expect(result.code, result.output).toBe(0);
  return result.output;
};
const preview = async (change?: Partial<typeof defaults>) => {
  const result = await pulumi(["preview", "--diff"], change);
  expect(result.code, result.output).toBe(0);
  return result.output;
};

describe("the plugin on a real API server", () => {
  it("previews everything as new, though the namespace is not there yet", async () => {
    const { code, output } = await pulumi(["preview"]);
    expect(code, output).toBe(0);
    expect(touched(output), output).toHaveLength(9);
    expect(touched(output).every((line) => line.startsWith("+ "))).toBe(true);
    expect(output).not.toContain(defaults.password);
  });

  it("makes objects of each kind and waits until they are ready", async () => {
    const output = await up();
    expect(output).not.toContain(defaults.password);
    expect((await get("plugin", "deployment/sleeper")).status.readyReplicas).toBe(1);
    expect((await get("plugin", "job/once")).status.succeeded).toBe(1);
    expect((await get("plugin", "objectstore/store")).spec.configuration.destinationPath).toBe("s3://backups/");
    expect((await get("default", "configmap/theirs")).data).toEqual({ a: "1", ours: "1" });
    const { data } = await get("plugin", "secret/password");
    expect(Buffer.from(data.password, "base64").toString()).toBe(defaults.password);
  });

  it("keeps no secret in plain state", () => {
    const state = readFileSync(join(directory, "state/.pulumi/stacks/restorable/test.json"), "utf8");
    expect(state).toContain("barmancloud.cnpg.io/v1");
    for (const text of [defaults.password, Buffer.from(defaults.password).toString("base64"), "client-key-data"])
      expect(state.includes(text), text).toBe(false);
  });

  it("has nothing to do the second time", async () => {
    const { code, output } = await pulumi(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    expect(code, output).toBe(0);
  });

  it("previews a change as itself only", async () => {
    const output = await preview({ schedule: "0 4 * * *" });
    expect(output).toMatch(/~ schedule: "0 3 \* \* \*" => "0 4 \* \* \*"/);
    expect(output).not.toMatch(/concurrencyPolicy|jobTemplate|greeting/);
    // Stack, provider, and the other eight objects.
    expect(output).toMatch(/~ 1 to update\n +10 unchanged/);
  });

  it("does not show what the server reads the same", async () => {
    const { code, output } = await pulumi(["preview", "--expect-no-changes"], { cpu: "0.01" });
    expect(code, output).toBe(0);
  });

  it("changes in place: the objects stay the same ones", async () => {
    const ids = async () =>
      Promise.all(
        ["cronjob/dump", "configmap/settings", "secret/password"].map(
          async (object) => (await get("plugin", object)).metadata.uid,
        ),
      );
    const before = await ids();
    const output = await up({ schedule: "0 4 * * *", greeting: "good day", password: "other-hush" });
    expect(output).not.toContain("other-hush");
    expect(await ids()).toEqual(before);
    expect((await get("plugin", "configmap/settings")).data).toEqual({ greeting: "good day" });
    await up();
  });

  it("sees what others changed, and does not take it back unasked", async () => {
    await kubectl(["-n", "plugin", "patch", "cronjob", "dump", "-p", '{"spec":{"schedule":"1 1 * * *"}}']);
    const { code, output } = await pulumi(["preview"]);
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/CronJob plugin\/dump: others own fields that it sets: .*kubectl-patch.*\.spec\.schedule/s);
    await kubectl(["-n", "plugin", "delete", "cronjob", "dump"]);
  });

  it("makes again what others deleted", async () => {
    await kubectl(["-n", "plugin", "delete", "configmap", "settings"]);
    expect(touched((await pulumi(["preview"])).output)).toEqual(["~ dump", "~ settings"]);
    await up();
    expect((await get("plugin", "cronjob/dump")).spec.schedule).toBe(defaults.schedule);
    expect((await get("plugin", "configmap/settings")).data).toEqual({ greeting: "hello" });
  });

  it("replaces what cannot be changed", async () => {
    const before = (await get("plugin", "job/once")).metadata.uid;
    expect(touched((await pulumi(["preview"], { cpu: "20m" })).output)).toContain("+- once");
    await up({ cpu: "20m" });
    expect((await get("plugin", "job/once")).metadata.uid).not.toBe(before);
    await up();
  });

  it("says what the API server says against an object", async () => {
    // Three objects have it: without this the first refusal may be the only one.
    const { code, output } = await pulumi(["up", "--yes", "--skip-preview", "--continue-on-error"], { cpu: "much" });
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/CronJob plugin\/dump was not updated by the API server: .*quantities must match/);
    await up();
  });

  it("keeps what is there but does not become ready in the state", async () => {
    const change = { image: "localhost/no-such-image:1", deadline: "5" };
    const { code, output } = await pulumi(["up", "--yes", "--skip-preview", "--continue-on-error"], change);
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/Deployment plugin\/sleeper is there, but it did not become ready: .*timed out progressing/);
    expect(await up()).not.toMatch(/\+ +kubernetes:apps\/v1:Deployment +sleeper/);
    expect((await get("plugin", "deployment/sleeper")).status.readyReplicas).toBe(1);
  });

  it("takes it all away, and of others' objects only its own fields", async () => {
    const { code, output } = await pulumi(["destroy", "--yes", "--skip-preview"]);
    expect(code, output).toBe(0);
    expect((await get("default", "configmap/theirs")).data).toEqual({ a: "1" });
    await expect(get("plugin", "configmap/settings")).rejects.toThrow("NotFound");
  });

  it("says so when the cluster does not answer, and previews all the same", async () => {
    const kubeconfig = readFileSync(cluster.kubeconfig, "utf8").replace(":6443", ":6444");
    const change = { kubeconfig } as Partial<typeof defaults>;
    const seen = await pulumi(["preview"], change);
    expect(seen.code, seen.output).toBe(0);
    expect(seen.output).toContain("configured Kubernetes cluster is unreachable");
    const { code, output } = await pulumi(["up", "--yes", "--skip-preview"], change);
    expect(code, output).not.toBe(0);
    // Whichever object is the first.
    expect(output).toMatch(
      /error: (?:Namespace plugin|ConfigMap default\/theirs): configured Kubernetes cluster is unreachable/,
    );
  });
});
