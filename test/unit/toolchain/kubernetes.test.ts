import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type ApiServer, startApiServer } from "./api-server.js";
import { type Plugin, type PluginError, type Properties, secret, startPlugin, UNKNOWN } from "./plugin.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let plugin: Plugin;
let server: ApiServer;

beforeAll(async () => {
  plugin = await startPlugin("kubernetes", { KUBECONFIG: "/nonexistent" });
});
afterAll(() => plugin.stop());
beforeEach(async () => {
  server = await startApiServer();
  await plugin.configure({ kubeconfig: secret(server.kubeconfig) });
});
afterEach(() => server.stop());

const MAP = "kubernetes:core/v1:ConfigMap";
const SECRET = "kubernetes:core/v1:Secret";
const CRON = "kubernetes:batch/v1:CronJob";
const JOB = "kubernetes:batch/v1:Job";

const configMap = (data: Properties, metadata: Properties = {}): Properties => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", namespace: "default", ...metadata },
  data,
});
const cronJob = (spec: Properties): Properties => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "dump", namespace: "default" },
  spec,
});
const job = (): Properties => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "once", namespace: "default" },
  spec: { template: { spec: { containers: [] } } },
});
const path = (kind: string, name: string, version = "/api/v1") => `${version}/namespaces/default/${kind}/${name}`;
const live = (kind: string, name: string, version?: string) => {
  const object = server.objects.get(path(kind, name, version));
  if (!object) throw new Error(`there is no ${kind} ${name}`);
  return object;
};
/** Requests that changed something. */
const changes = () => server.requests.filter(({ query }) => query.dryRun !== "All");
const other = (kind: string, name: string, data: Properties) =>
  plugin.create(MAP, { ...configMap(data, { name, annotations: { "pulumi.com/patchFieldManager": "others" } }), kind });
const failure = async (work: Promise<unknown>): Promise<PluginError> => {
  try {
    await work;
  } catch (error) {
    return error as PluginError;
  }
  throw new Error("it succeeded");
};

test("reports the version of the SDK package", async () => {
  const { default: manifest } = await import("@pulumi/kubernetes/package.json", { with: { type: "json" } });
  expect(await plugin.version()).toBe(manifest.version);
});

describe("check", () => {
  test("names what has no name, and keeps the name", async () => {
    const unnamed = { apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } };
    const { inputs } = await plugin.check(MAP, unnamed);
    const metadata = inputs.metadata as { name: string; annotations: Properties };
    expect(metadata.name).toMatch(/^step-[0-9a-f]{8}$/);
    expect(metadata.annotations).toEqual({ "pulumi.com/autonamed": "true" });
    expect((await plugin.check(MAP, unnamed, inputs)).inputs).toEqual(inputs);
  });

  test("puts an object into the provider's namespace, and only what has one", async () => {
    await plugin.configure({ kubeconfig: server.kubeconfig, namespace: "team" });
    const { inputs } = await plugin.check(MAP, { ...configMap({}), metadata: { name: "a" } });
    expect(inputs.metadata).toEqual({ name: "a", namespace: "team" });
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } };
    expect((await plugin.check("kubernetes:core/v1:Namespace", namespace)).inputs.metadata).toEqual({ name: "a" });
  });

  test("a Secret's values are secret, whoever wrote them", async () => {
    const { inputs } = await plugin.check(SECRET, { ...configMap({ a: "MQ==" }), kind: "Secret" });
    expect(inputs.data).toEqual(secret({ a: "MQ==" }));
  });

  test("a patch must name its object", async () => {
    const { failures } = await plugin.check(`${MAP}Patch`, { apiVersion: "v1", kind: "ConfigMap", metadata: {} });
    expect(failures).toEqual({ "metadata.name": "a patch must name the object that it changes" });
  });

  test("what is not covered says so", async () => {
    const { failures } = await plugin.check(MAP, { ...configMap({}), metadata: { generateName: "a-" } });
    expect(failures["metadata.generateName"]).toContain("use the official plugin");
    await expect(plugin.configure({ enableServerSideApply: "false" })).rejects.toThrow("use the official plugin");
    await expect(plugin.invoke("kubernetes:yaml:decode", {})).rejects.toThrow("use the official plugin");
  });
});

describe("create", () => {
  test("applies as a manager of its own and keeps what the server says", async () => {
    const { id, outputs } = await plugin.create(MAP, configMap({ a: "1" }));
    expect(id).toBe("default/settings");
    expect(outputs).toMatchObject({ data: { a: "1" }, metadata: { uid: expect.any(String) } });
    expect(outputs.metadata).not.toHaveProperty("managedFields");
    expect(outputs.__fieldManager).toMatch(/^pulumi-kubernetes-[0-9a-f]{8}$/);
    expect(changes()).toMatchObject([
      { method: "PATCH", query: { fieldManager: outputs.__fieldManager, force: "false" } },
    ]);
  });

  test("a preview changes nothing and does not know what the server will say", async () => {
    const { id, outputs } = await plugin.create(MAP, configMap({ a: "1" }), { preview: true });
    expect(id).toBe("");
    expect(outputs).toMatchObject({ data: { a: "1" }, metadata: { name: "settings", uid: UNKNOWN }, status: UNKNOWN });
    expect(changes()).toEqual([]);
  });

  test("a preview of what is not known yet, or stands on what is not there yet, shows the inputs", async () => {
    const unknown = configMap({ a: UNKNOWN });
    expect((await plugin.create(MAP, unknown, { preview: true })).outputs).toEqual(unknown);
    const elsewhere = configMap({ a: "1" }, { namespace: "later" });
    expect((await plugin.create(MAP, elsewhere, { preview: true })).outputs).toMatchObject({ data: { a: "1" } });
    const custom = { ...configMap({}), apiVersion: "example.org/v1", kind: "Thing" };
    const { outputs } = await plugin.create("kubernetes:example.org/v1:Thing", custom, { preview: true });
    expect(outputs).toMatchObject({ kind: "Thing", status: UNKNOWN });
    expect(server.requests.filter(({ path }) => path.includes("example.org"))).toEqual([]);
  });

  test("a kind without its definition says what to do", async () => {
    const custom = { ...configMap({}), apiVersion: "example.org/v1", kind: "Thing" };
    await expect(plugin.create("kubernetes:example.org/v1:Thing", custom)).rejects.toThrow(
      /Thing default\/settings .* knows no Thing in example.org\/v1: is its CustomResourceDefinition there/,
    );
    server.kinds["example.org/v1"] = [{ name: "things", kind: "Thing", namespaced: true }];
    expect((await plugin.create("kubernetes:example.org/v1:Thing", custom)).id).toBe("default/settings");
  });

  test("does not take over what is there, unless it is told to", async () => {
    await plugin.create(MAP, configMap({ a: "1" }));
    await expect(plugin.create(MAP, configMap({ b: "2" }))).rejects.toThrow("there is such an object already");
    await plugin.configure({ kubeconfig: server.kubeconfig, upsertExistingObjects: "true" });
    await plugin.create(MAP, configMap({ b: "2" }));
    expect(live("configmaps", "settings").data).toEqual({ a: "1", b: "2" });
  });

  test("secrets stay secret, and stringData goes away key by key", async () => {
    const inputs = (stringData: Properties): Properties => ({
      apiVersion: "v1",
      kind: "Secret",
      stringData: secret(stringData),
      metadata: { name: "keys", namespace: "default", labels: { token: secret("t") } },
    });
    const { outputs } = await plugin.create(SECRET, inputs({ a: "one", b: "two" }));
    expect(outputs.data).toEqual(secret({ a: "b25l", b: "dHdv" }));
    expect(JSON.stringify(outputs.metadata)).toContain(JSON.stringify({ token: secret("t") }));
    await plugin.update(SECRET, outputs, inputs({ a: "one" }));
    expect(live("secrets", "keys").data).toEqual({ a: "b25l" });
  });
});

describe("diff", () => {
  const created = async (type: string, inputs: Properties) => (await plugin.create(type, inputs)).outputs;

  test("nothing changed", async () => {
    const state = await created(MAP, configMap({ a: "1" }));
    expect(await plugin.diff(MAP, configMap({ a: "1" }), configMap({ a: "1" }), state)).toMatchObject({
      changes: false,
    });
    expect(changes()).toHaveLength(1);
  });

  test("shows a changed field by its own path, in place", async () => {
    const before = cronJob({ schedule: "0 3 * * *", concurrencyPolicy: "Forbid" });
    const after = cronJob({ schedule: "0 4 * * *", concurrencyPolicy: "Forbid" });
    const state = await created(CRON, before);
    const difference = await plugin.diff(CRON, before, after, state);
    expect(difference).toEqual({
      changes: true,
      paths: { "spec.schedule": "update" },
      replaces: [],
      deleteFirst: false,
    });
  });

  test("shows nothing where the server has it so already", async () => {
    const before = cronJob({ schedule: "0 3 * * *" });
    const state = await created(CRON, before);
    live("cronjobs", "dump", "/apis/batch/v1").spec.suspend = false;
    const after = cronJob({ schedule: "0 3 * * *", suspend: false });
    expect((await plugin.diff(CRON, before, after, state)).changes).toBe(false);
  });

  test("shows what others changed meanwhile", async () => {
    const inputs = cronJob({ schedule: "0 3 * * *" });
    const state = await created(CRON, inputs);
    live("cronjobs", "dump", "/apis/batch/v1").spec.schedule = "0 9 * * *";
    expect((await plugin.diff(CRON, inputs, inputs, state)).paths).toEqual({ "spec.schedule": "update" });
    live("cronjobs", "dump", "/apis/batch/v1").spec = { schedule: "0 3 * * *", suspend: true };
    expect((await plugin.diff(CRON, inputs, inputs, state)).changes).toBe(false);
  });

  test("what others deleted is made again", async () => {
    const inputs = configMap({ a: "1" });
    const state = await created(MAP, inputs);
    server.objects.clear();
    expect(await plugin.diff(MAP, inputs, inputs, state)).toMatchObject({ paths: { metadata: "add" }, replaces: [] });
    await plugin.update(MAP, state, inputs);
    expect(live("configmaps", "settings").data).toEqual({ a: "1" });
  });

  test("another name is another object", async () => {
    const state = await created(MAP, configMap({ a: "1" }));
    const renamed = configMap({ a: "1" }, { name: "other" });
    const difference = await plugin.diff(MAP, configMap({ a: "1" }), renamed, state);
    expect(difference).toMatchObject({ replaces: ["metadata"], deleteFirst: false });
  });

  test("what cannot be changed is replaced, the old one first where the name stays", async () => {
    const state = await created(JOB, { ...job(), metadata: { ...(job().metadata as object), annotations: skip } });
    const after = { ...job(), spec: { template: { spec: { containers: [{ name: "a" }] } } } };
    expect(await plugin.diff(JOB, job(), after, state)).toMatchObject({ replaces: ["spec"], deleteFirst: true });
  });

  test("what the server says cannot be changed is replaced", async () => {
    server.immutable.add("CronJob: spec.timeZone");
    const state = await created(CRON, cronJob({ schedule: "0 3 * * *", timeZone: "Etc/UTC" }));
    const difference = await plugin.diff(
      CRON,
      cronJob({ schedule: "0 3 * * *", timeZone: "Etc/UTC" }),
      cronJob({ schedule: "0 3 * * *", timeZone: "Europe/Paris" }),
      state,
    );
    expect(difference).toMatchObject({ paths: { "spec.timeZone": "update-replace" }, deleteFirst: true });
  });

  test("the content of a ConfigMap is replaced, or changed in place where the provider says so", async () => {
    const state = await created(MAP, configMap({ a: "1" }));
    const ask = () => plugin.diff(MAP, configMap({ a: "1" }), configMap({ a: "2" }), state);
    expect(await ask()).toMatchObject({ paths: { "data.a": "update-replace" }, deleteFirst: true });
    await plugin.configure({ kubeconfig: server.kubeconfig, enableConfigMapMutable: "true" });
    expect(await ask()).toMatchObject({ paths: { "data.a": "update" }, replaces: [], deleteFirst: false });
  });

  test("a secret shows as its name only", async () => {
    await plugin.configure({ kubeconfig: server.kubeconfig, enableSecretMutable: "true" });
    const inputs = (value: string) => ({ ...configMap({}), kind: "Secret", data: secret({ password: value }) });
    const state = await created(SECRET, inputs("YQ=="));
    expect((await plugin.diff(SECRET, inputs("YQ=="), inputs("Yg=="), state)).paths).toEqual({ data: "update" });
  });
});

const skip = { "pulumi.com/skipAwait": "true" };

describe("update", () => {
  test("changes in place and takes away what is no longer given", async () => {
    const { outputs } = await plugin.create(MAP, configMap({ a: "1", b: "2" }));
    live("configmaps", "settings").data.others = "stays";
    await plugin.update(MAP, outputs, configMap({ a: "3" }));
    expect(live("configmaps", "settings").data).toEqual({ a: "3", others: "stays" });
  });

  test("a preview changes nothing", async () => {
    const { outputs } = await plugin.create(MAP, configMap({ a: "1" }));
    const foretold = await plugin.update(MAP, outputs, configMap({ a: "2" }), { preview: true });
    expect(foretold.data).toEqual({ a: "2" });
    expect(live("configmaps", "settings").data).toEqual({ a: "1" });
  });

  test("fields that others own are named, and taken only on demand", async () => {
    await other("ConfigMap", "settings", { a: "theirs" });
    await plugin.configure({ kubeconfig: server.kubeconfig, upsertExistingObjects: "true" });
    await expect(plugin.create(MAP, configMap({ a: "ours" }))).rejects.toThrow(
      /ConfigMap default\/settings: others own fields that it sets: .*conflict with "others": \.data\.a[\s\S]*patchForce/,
    );
    expect(live("configmaps", "settings").data).toEqual({ a: "theirs" });
    await plugin.create(MAP, configMap({ a: "ours" }, { annotations: { "pulumi.com/patchForce": "true" } }));
    expect(live("configmaps", "settings").data).toEqual({ a: "ours" });
  });
});

describe("a patch", () => {
  const type = `${MAP}Patch`;

  test("changes an object of others, and gives up only its own fields", async () => {
    await other("ConfigMap", "theirs", { a: "1" });
    const inputs = configMap({ mine: "2" }, { name: "theirs" });
    const { id, outputs } = await plugin.create(type, inputs);
    expect(id).toBe("default/theirs");
    expect(live("configmaps", "theirs").data).toEqual({ a: "1", mine: "2" });
    const more = configMap({ mine: "3" }, { name: "theirs" });
    expect(await plugin.diff(type, inputs, more, outputs)).toMatchObject({
      paths: { "data.mine": "update" },
      replaces: [],
    });
    await plugin.delete(type, await plugin.update(type, outputs, more));
    expect(live("configmaps", "theirs").data).toEqual({ a: "1" });
  });

  test("needs an object", async () => {
    await expect(plugin.create(type, configMap({ a: "1" }))).rejects.toThrow("there is no such object to patch");
    const { outputs } = await plugin.create(type, configMap({ a: "1" }), { preview: true });
    expect(outputs).toMatchObject({ data: { a: "1" } });
  });

  test("of an object that is gone is given up quietly", async () => {
    await other("ConfigMap", "theirs", { a: "1" });
    const { outputs } = await plugin.create(type, configMap({ mine: "2" }, { name: "theirs" }));
    server.objects.clear();
    await plugin.delete(type, outputs);
    expect(server.objects.size).toBe(0);
  });
});

describe("readiness", () => {
  const stateful = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "default" },
    spec: { replicas: 2, serviceName: "db" },
  };

  test("waits for a StatefulSet's pods, and says what it waits for", async () => {
    const status = (readyReplicas: number) => ({
      observedGeneration: 1,
      readyReplicas,
      updatedReplicas: readyReplicas,
    });
    let turn = 0;
    server.controller = (object) => {
      object.status = status(0);
      const timer = setInterval(() => {
        object.status = status(++turn);
        if (turn === 2) clearInterval(timer);
      }, 700);
    };
    const { outputs } = await plugin.create("kubernetes:apps/v1:StatefulSet", stateful);
    expect(outputs.status).toMatchObject({ readyReplicas: 2 });
    expect(plugin.shown.map(({ message }) => message)).toContain("0 of 2 replicas ready");
  });

  test("a Deployment that makes no progress fails, and stays in the state", async () => {
    server.controller = (object) => {
      const message = "it has timed out progressing";
      object.status = {
        observedGeneration: 1,
        conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message }],
      };
    };
    const deployment = { ...stateful, kind: "Deployment" };
    const error = await failure(plugin.create("kubernetes:apps/v1:Deployment", deployment));
    expect(error.message).toContain("Deployment default/db is there, but it did not become ready: it has timed out");
    expect(error.partial).toMatchObject({ id: "default/db", outputs: { metadata: { name: "db" } } });
  });

  test("a job that failed says why; one that is done is ready", async () => {
    server.controller = (object) => {
      object.status = { conditions: [{ type: "Failed", status: "True", message: "backoff limit" }] };
    };
    expect((await failure(plugin.create(JOB, job()))).message).toContain("backoff limit");
    server.objects.clear();
    server.controller = (object) => {
      object.status = { conditions: [{ type: "Complete", status: "True" }] };
    };
    expect((await plugin.create(JOB, job())).id).toBe("default/once");
  });

  test("ends with the resource's own timeout", async () => {
    const error = await failure(plugin.create("kubernetes:apps/v1:StatefulSet", stateful, { timeout: 1 }));
    expect(error.message).toContain("context deadline exceeded");
    expect(error.partial?.id).toBe("default/db");
  });

  test("is not waited for where the annotation says so", async () => {
    const { id } = await plugin.create(JOB, {
      ...job(),
      metadata: { name: "once", namespace: "default", annotations: skip },
    });
    expect(id).toBe("default/once");
  });
});

describe("delete", () => {
  test("waits until the object is gone", async () => {
    const { outputs } = await plugin.create(MAP, configMap({ a: "1" }));
    const object = live("configmaps", "settings");
    object.metadata.finalizers = ["example.org/hold"];
    setTimeout(() => server.objects.clear(), 1000);
    await plugin.delete(MAP, outputs);
    expect(server.objects.size).toBe(0);
    expect(plugin.shown.map(({ message }) => message)).toContain("being deleted, held by example.org/hold");
  });

  test("leaves another object of the same name alone, and what is gone is gone", async () => {
    const { outputs } = await plugin.create(MAP, configMap({ a: "1" }));
    live("configmaps", "settings").metadata.uid = "another";
    await plugin.delete(MAP, outputs);
    expect(live("configmaps", "settings").data).toEqual({ a: "1" });
    server.objects.clear();
    await plugin.delete(MAP, outputs);
  });
});

describe("read", () => {
  test("notes what others changed, and that an object is gone", async () => {
    const inputs = configMap({ a: "1" });
    const { id, outputs } = await plugin.create(MAP, inputs);
    Object.assign(live("configmaps", "settings").data, { a: "theirs", b: "new" });
    const read = await plugin.read(MAP, id, outputs, inputs);
    expect(read.inputs.data).toEqual({ a: "theirs" });
    expect(read.outputs.data).toEqual({ a: "theirs", b: "new" });
    server.objects.clear();
    expect((await plugin.read(MAP, id, outputs, inputs)).id).toBe("");
  });

  test("imports by namespace and name; a Secret stays secret", async () => {
    await plugin.create(SECRET, { ...configMap({ a: "MQ==" }), kind: "Secret" });
    const { inputs, outputs } = await plugin.read(SECRET, "default/settings");
    expect(inputs.data).toEqual(secret({ a: "MQ==" }));
    expect(outputs.data).toEqual(secret({ a: "MQ==" }));
  });
});

describe("a cluster that does not answer", () => {
  const unreachable = /configured Kubernetes cluster is unreachable/;

  test("leaves a preview to the inputs, with one warning", async () => {
    const { outputs: state } = await plugin.create(MAP, configMap({ a: "1" }));
    const { kubeconfig } = server;
    await server.stop();
    const own = await startPlugin("kubernetes");
    try {
      await own.configure({ kubeconfig });
      expect((await own.check(MAP, configMap({ a: "2" }))).failures).toEqual({});
      expect((await own.diff(MAP, configMap({ a: "1" }), configMap({ a: "2" }), state)).changes).toBe(true);
      expect((await own.diff(MAP, configMap({ a: "1" }), configMap({ a: "1" }), state)).changes).toBe(false);
      expect((await own.create(MAP, configMap({ a: "2" }), { preview: true })).outputs).toMatchObject({
        data: { a: "2" },
      });
      expect(own.shown.filter(({ message }) => unreachable.test(message))).toHaveLength(1);
      await expect(own.create(MAP, configMap({ a: "1" }))).rejects.toThrow(unreachable);
      await expect(own.read(MAP, "default/settings", state)).rejects.toThrow(/PULUMI_K8S_DELETE_UNREACHABLE=true/);
      await expect(own.delete(MAP, state)).rejects.toThrow(unreachable);
      await own.configure({ kubeconfig, deleteUnreachable: "true" });
      expect((await own.read(MAP, "default/settings", state)).id).toBe("");
      await own.delete(MAP, state);
    } finally {
      await own.stop();
      server = await startApiServer();
    }
  });

  test("a kubeconfig that is none says which", async () => {
    await plugin.configure({ kubeconfig: "/nowhere/kubeconfig" });
    await expect(plugin.create(MAP, configMap({}))).rejects.toThrow("the kubeconfig /nowhere/kubeconfig is not there");
    await plugin.configure({ kubeconfig: server.kubeconfig, context: "other" });
    await expect(plugin.create(MAP, configMap({}))).rejects.toThrow("has no context other");
  });
});
