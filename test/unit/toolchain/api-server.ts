import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: objects of any kind
  metadata: Record<string, any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  [key: string]: any;
}

/** One request that changed something, or would have. */
export interface Request {
  method: string;
  path: string;
  query: Record<string, string>;
}

/** An API server that holds its objects in memory: as much of the real one as the plugin stands on. */
export interface ApiServer {
  kubeconfig: string;
  requests: Request[];
  objects: Map<string, KubernetesObject>;
  /** Called with each object after a change: what controllers would do. */
  controller: (object: KubernetesObject) => void;
  /** Fields that it refuses to change, `Kind: path`. */
  immutable: Set<string>;
  /** Kinds that it knows, by group and version. */
  kinds: Record<string, { name: string; kind: string; namespaced: boolean }[]>;
  stop(): Promise<void>;
}

type Leaf = string | number | boolean | null | unknown[];
type Leaves = Map<string, Leaf>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every value with its path; a list is a value. */
function leaves(object: unknown, path: string[] = [], found: Leaves = new Map()): Leaves {
  if (isObject(object)) for (const [key, value] of Object.entries(object)) leaves(value, [...path, key], found);
  else found.set(path.join("\0"), object as Leaf);
  return found;
}

function put(object: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split("\0");
  const last = keys.pop() ?? "";
  let place = object;
  for (const key of keys) {
    if (!isObject(place[key])) place[key] = {};
    place = place[key] as Record<string, unknown>;
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
}

class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly causes: { field: string; message: string }[] = [],
  ) {
    super(message);
  }
}

const identity = new Set(["apiVersion", "kind", "metadata\0name", "metadata\0namespace"]);
const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Who owns which fields of which object. */
type Owners = Map<string, Map<string, Set<string>>>;

interface Apply {
  manager: string;
  force: boolean;
  dryRun: boolean;
}

function applied(server: ApiServer, owners: Owners, key: string, body: KubernetesObject, options: Apply) {
  const { manager, force, dryRun } = options;
  const live = server.objects.get(key);
  const owned = owners.get(key) ?? new Map<string, Set<string>>();
  const wanted = leaves(body);
  const before = leaves(live ?? {});
  const conflicts: string[] = [];
  for (const [path, value] of wanted) {
    if (identity.has(path)) continue;
    const changes = live && !same(before.get(path), value);
    if (changes && server.immutable.has(`${body.kind}: ${path.replaceAll("\0", ".")}`))
      throw new Refusal(422, "Invalid", `${body.kind} is invalid: ${path.replaceAll("\0", ".")}: field is immutable`);
    for (const [other, fields] of owned)
      if (changes && other !== manager && fields.has(path))
        conflicts.push(`conflict with "${other}": .${path.replaceAll("\0", ".")}`);
  }
  if (conflicts.length > 0 && !force)
    throw new Refusal(409, "Conflict", `Apply failed with ${conflicts.length} conflict: ${conflicts.join(", ")}`);
  const result = structuredClone(live ?? body);
  for (const [path, value] of wanted) put(result, path, value);
  const others = [...owned].filter(([other]) => other !== manager);
  for (const path of owned.get(manager) ?? [])
    if (!wanted.has(path) && !others.some(([, fields]) => fields.has(path))) put(result, path, undefined);
  const version = Number(live?.metadata.resourceVersion ?? 0) + 1;
  Object.assign(result.metadata, {
    uid: live?.metadata.uid ?? `uid-${server.requests.length}`,
    creationTimestamp: "2026-01-01T00:00:00Z",
    resourceVersion: String(version),
    generation: (live?.metadata.generation ?? 0) + (live && same(live.spec, result.spec) ? 0 : 1),
    managedFields: [{ manager, operation: "Apply" }],
  });
  if (dryRun) return result;
  for (const [other, fields] of others)
    for (const path of wanted.keys()) if (force) owned.get(other) && fields.delete(path);
  owned.set(manager, new Set([...wanted.keys()].filter((path) => !identity.has(path))));
  owners.set(key, owned);
  server.objects.set(key, result);
  server.controller(result);
  return result;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const data of request) text += data;
  return text === "" ? undefined : JSON.parse(text);
}

/** Starts one that knows the kinds that the tests use. */
export async function startApiServer(): Promise<ApiServer> {
  const owners: Owners = new Map();
  const answer = (method: string, path: string, query: Record<string, string>, body: unknown): unknown => {
    const discovery = /^\/(?:api|apis)\/((?:[^/]+\/)?v\d\w*)$/.exec(path)?.[1];
    if (discovery) {
      const resources = server.kinds[discovery];
      if (!resources) throw new Refusal(404, "NotFound", "the server could not find the requested resource");
      return { kind: "APIResourceList", resources };
    }
    if (method !== "GET") server.requests.push({ method, path, query });
    const live = server.objects.get(path);
    if (method === "PATCH") {
      const { fieldManager = "", force, dryRun } = query;
      const options = { manager: fieldManager, force: force === "true", dryRun: dryRun === "All" };
      const space = /^(.*)\/namespaces\/([^/]+)\//.exec(path)?.[2];
      if (space && space !== "default" && !server.objects.has(`/api/v1/namespaces/${space}`))
        throw new Refusal(404, "NotFound", `namespaces "${space}" not found`);
      return applied(server, owners, path, body as KubernetesObject, options);
    }
    if (!live) throw new Refusal(404, "NotFound", `${path.split("/").slice(-2).join(" ")} not found`);
    if (method === "DELETE") {
      const { preconditions } = body as { preconditions?: { uid?: string } };
      if (preconditions?.uid && preconditions.uid !== live.metadata.uid)
        throw new Refusal(409, "Conflict", "the UID in the precondition does not match");
      live.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
      if (!live.metadata.finalizers?.length) server.objects.delete(path);
      server.controller(live);
    }
    return live;
  };
  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    response.setHeader("content-type", "application/json");
    try {
      const query = Object.fromEntries(url.searchParams);
      const body = await bodyOf(request);
      response.end(JSON.stringify(answer(request.method ?? "GET", url.pathname, query, body)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, reason, message, causes } = error;
      response.statusCode = code;
      response.end(JSON.stringify({ kind: "Status", status: "Failure", code, reason, message, details: { causes } }));
    }
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const namespaced = (name: string, kind: string) => ({ name, kind, namespaced: true });
  const server: ApiServer = {
    kubeconfig: JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "test", user: {} }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      "current-context": "test",
    }),
    requests: [],
    objects: new Map(),
    controller: () => {},
    immutable: new Set(),
    kinds: {
      v1: [
        namespaced("configmaps", "ConfigMap"),
        namespaced("secrets", "Secret"),
        { name: "namespaces", kind: "Namespace", namespaced: false },
      ],
      "apps/v1": [namespaced("deployments", "Deployment"), namespaced("statefulsets", "StatefulSet")],
      "batch/v1": [namespaced("jobs", "Job"), namespaced("cronjobs", "CronJob")],
    },
    async stop() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
  return server;
}
