import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";

/** What the API server answered instead of doing it. */
export class Refused extends Error {
  /**
   * @param {number} status HTTP status
   * @param {{ message?: string, reason?: string, details?: { causes?: { field?: string, message?: string }[] } }} answer
   */
  constructor(status, answer) {
    super(answer.message ?? `the API server answered ${status}`);
    this.status = status;
    this.reason = answer.reason ?? "";
    this.causes = answer.details?.causes ?? [];
  }
}

/** No answer from the API server. */
export class Unreachable extends Error {}

/** The server does not know the kind: its definition is not there, or not yet. */
export class UnknownKind extends Error {}

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.trim().slice(0, 500) };
  }
};

/** How long to wait for an answer, in milliseconds. */
const ANSWER_MS = 30_000;

/**
 * The API server that a kubeconfig names.
 * @param {import("@kubernetes/client-node").KubeConfig} config
 */
export class Api {
  #config;
  #options;
  #kinds = new Map();

  constructor(config) {
    this.#config = config;
  }

  /** Address of the server. */
  get server() {
    return this.#config.getCurrentCluster()?.server ?? "";
  }

  /**
   * One request.
   * @returns {Promise<any>} the answer's body
   * @throws {Refused | Unreachable}
   */
  async request(method, path, { query = {}, body, type = "application/json", signal } = {}) {
    // Made once: it holds the connections that are kept open.
    this.#options ??= (async () => {
      const options = {};
      await this.#config.applyToHTTPSOptions(options);
      options.agent.options.keepAlive = true;
      options.agent.keepAlive = true;
      return options;
    })();
    const options = await this.#options;
    const url = new URL(this.server);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const { status, answer } = await new Promise((resolve, reject) => {
      const fail = (error) =>
        reject(signal?.aborted ? signal.reason : new Unreachable(`${this.server} does not answer: ${error.message}`));
      const send = (url.protocol === "http:" ? plainRequest : tlsRequest)(
        url,
        {
          ...options,
          method,
          signal,
          headers: {
            ...options.headers,
            accept: "application/json",
            ...(text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) }),
          },
        },
        (response) => {
          let received = "";
          response.setEncoding("utf8");
          response.on("data", (data) => {
            received += data;
          });
          response.on("error", fail);
          response.on("end", () => resolve({ status: response.statusCode ?? 0, answer: parse(received) }));
        },
      );
      send.setTimeout(ANSWER_MS, () => send.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
      send.on("error", fail);
      send.end(text);
    });
    if (status >= 300) throw new Refused(status, answer);
    return answer;
  }

  /**
   * What the server calls the objects of a kind.
   * @returns {Promise<{ path: string, plural: string, namespaced: boolean }>}
   * @throws {UnknownKind | Refused | Unreachable}
   */
  async kind(apiVersion, kind) {
    const key = `${apiVersion}/${kind}`;
    const known = this.#kinds.get(key);
    if (known) return known;
    const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const list = await this.request("GET", path).catch((error) => {
      if (error instanceof Refused && error.status === 404) return { resources: [] };
      throw error;
    });
    for (const { name, kind: found, namespaced } of list.resources ?? [])
      if (!name.includes("/")) this.#kinds.set(`${apiVersion}/${found}`, { path, plural: name, namespaced });
    const now = this.#kinds.get(key);
    if (now) return now;
    throw new UnknownKind(
      `the API server knows no ${kind} in ${apiVersion}: is its CustomResourceDefinition there, and made before it (dependsOn)?`,
    );
  }

  /** Path of an object. */
  async #pathOf({ apiVersion, kind, metadata }) {
    const { path, plural, namespaced } = await this.kind(apiVersion, kind);
    const space = namespaced ? `/namespaces/${encodeURIComponent(metadata.namespace ?? "default")}` : "";
    return `${path}${space}/${plural}/${encodeURIComponent(metadata.name)}`;
  }

  /** The object as it is; undefined when there is none. */
  async get(object, signal) {
    try {
      return await this.request("GET", await this.#pathOf(object), { signal });
    } catch (error) {
      if (error instanceof UnknownKind || (error instanceof Refused && error.status === 404)) return undefined;
      throw error;
    }
  }

  /** Server-side apply. @returns {Promise<any>} the object as it is then, or as it would be with `dryRun` */
  async apply(object, { manager, force = false, dryRun = false, signal }) {
    return this.request("PATCH", await this.#pathOf(object), {
      query: {
        fieldManager: manager,
        force: String(force),
        fieldValidation: "Strict",
        ...(dryRun ? { dryRun: "All" } : {}),
      },
      body: object,
      type: "application/apply-patch+yaml",
      signal,
    });
  }

  /** Begins the deletion. @returns {Promise<boolean>} whether there was such an object */
  async delete(object, { propagation, uid, signal }) {
    try {
      await this.request("DELETE", await this.#pathOf(object), {
        body: {
          apiVersion: "v1",
          kind: "DeleteOptions",
          propagationPolicy: propagation,
          ...(uid ? { preconditions: { uid } } : {}),
        },
        signal,
      });
      return true;
    } catch (error) {
      if (error instanceof UnknownKind) return false;
      // 409: an object of that name, but another one than this.
      if (error instanceof Refused && (error.status === 404 || (error.status === 409 && uid))) return false;
      throw error;
    }
  }
}
