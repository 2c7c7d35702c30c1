import { dial } from "./connection.mjs";

/** Commands at once over one connection: sshd allows 10 sessions by default. */
const SESSIONS = 8;

const sorted = (value) =>
  typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.keys(value)
          .sort()
          .map((key) => [key, sorted(value[key])]),
      )
    : value;

/** Waits for a promise, but no longer than until the signal. */
function until(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** A host's connection and the commands that share it. */
class Host {
  /** @type {Promise<import("ssh2").Client> | undefined} */
  #client;
  #free = SESSIONS;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** The open connection; the first who asks dials for all, and a failure is not kept. */
  connect(connection, context) {
    if (this.#client) return this.#client;
    const dialling = dial(connection, { ...context, signal: context.cancelled }).then((client) => {
      client.once("close", () => this.#forget(dialling));
      return client;
    });
    dialling.catch(() => this.#forget(dialling));
    this.#client = dialling;
    return dialling;
  }

  #forget(client) {
    if (this.#client === client) this.#client = undefined;
  }

  async take() {
    if (this.#free > 0) this.#free--;
    else await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
  }

  give() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  async end() {
    const client = await this.#client?.catch(() => undefined);
    client?.end();
  }
}

/**
 * Keeps one connection per host open for as long as the plugin runs. Connections are told apart by everything
 * that was asked for (user, key, port, proxy, ...), so that a changed input never meets the old connection.
 */
export class ConnectionPool {
  /** @type {Map<string, Host>} */
  #hosts = new Map();

  /**
   * Does something over the host's connection, which is dialled if it is not up.
   * @template T
   * @param {object} connection plain values
   * @param {Pick<import("../provider/service.mjs").Context, "signal" | "cancelled" | "log">} context
   * @param {(client: import("ssh2").Client) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async use(connection, context, work) {
    const key = JSON.stringify(sorted(connection));
    const host = this.#hosts.get(key) ?? new Host();
    this.#hosts.set(key, host);
    await host.take();
    try {
      context.signal.throwIfAborted();
      return await work(await until(host.connect(connection, context), context.signal));
    } finally {
      host.give();
    }
  }

  /** Closes what is open. */
  async close() {
    await Promise.all([...this.#hosts.values()].map((host) => host.end()));
    this.#hosts.clear();
  }
}
