import { setTimeout as sleep } from "node:timers/promises";
import { sdkRequire } from "../provider/sdk.mjs";

/** What the official plugin fills in; a proxy has the same. */
export const CONNECTION_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

/** Waits between dials, in milliseconds. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;
const BACKOFF = 1.5;

const KEY_TYPE = /^(ssh-|ecdsa-|sk-)/;

/**
 * A host key in authorized_keys format (`[options] type base64 [comment]`).
 * @returns {{ type: string, key: Buffer }}
 */
export function parseHostKey(text) {
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => KEY_TYPE.test(word));
  const key = Buffer.from(words[at + 1] ?? "", "base64");
  const type = words[at];
  // The key itself begins with the length and the name of its type.
  if (type === undefined || key.subarray(4, 4 + type.length).toString("latin1") !== type) {
    throw new Error("failed to parse host key: ssh: no key found");
  }
  return { type, key };
}

const hostKeyAlgorithms = (type) => (type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", type] : [type]);

/** Ways to log in, in the official plugin's order: key, password, typed password, agent. */
function authMethods({ user: username, password, privateKey, privateKeyPassword, agentSocketPath }) {
  const agent = agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  const methods = [{ type: "none", username }];
  if (privateKey !== undefined) {
    const key = sdkRequire("ssh2").utils.parseKey(privateKey, privateKeyPassword);
    if (key instanceof Error) throw new Error(`ssh: the private key cannot be read: ${key.message}`);
    methods.push({ type: "publickey", username, key: Array.isArray(key) ? key[0] : key });
  }
  if (password !== undefined) {
    const prompt = (_name, _instructions, _lang, prompts, finish) => finish(prompts.map(() => password));
    methods.push({ type: "password", username, password }, { type: "keyboard-interactive", username, prompt });
  }
  if (agent) methods.push({ type: "agent", username, agent });
  return methods;
}

/** An error of ssh2 in the words of the official plugin where it has some. */
function dialError(error, endpoint, mismatch, methods) {
  if (mismatch) return new Error(`ssh: handshake failed: ssh: host key mismatch (${endpoint})`);
  if (error.syscall === "connect" || error.syscall === "getaddrinfo") {
    const texts = {
      ECONNREFUSED: "connection refused",
      EHOSTUNREACH: "no route to host",
      ENETUNREACH: "network is unreachable",
      ETIMEDOUT: "connection timed out",
      ENOTFOUND: "no such host",
      EAI_AGAIN: "temporary failure in name resolution",
    };
    const step = error.syscall === "connect" ? "connect" : "lookup";
    return new Error(`dial tcp ${endpoint}: ${step}: ${texts[error.code] ?? error.code}`);
  }
  if (error.level === "client-timeout") return new Error(`dial tcp ${endpoint}: i/o timeout`);
  if (error.level === "client-authentication") {
    const tried = methods.map(({ type }) => type).join(" ");
    return new Error(
      `ssh: handshake failed: ssh: unable to authenticate, attempted methods [${tried}], no supported methods remain (${endpoint})`,
    );
  }
  return new Error(`ssh: handshake failed: ${error.message} (${endpoint})`);
}

/** One attempt to connect. @returns {Promise<import("ssh2").Client>} */
function connect(connection, signal, sock) {
  const { host, port, perDialTimeout, hostKey } = connection;
  const expected = hostKey === undefined ? undefined : parseHostKey(hostKey);
  const methods = authMethods(connection);
  const { Client } = sdkRequire("ssh2");
  const client = new Client();
  let mismatch = false;
  return new Promise((resolve, reject) => {
    const abort = () => {
      client.destroy();
      reject(signal.reason);
    };
    const settle = (finish, value) => {
      signal.removeEventListener("abort", abort);
      finish(value);
    };
    signal.addEventListener("abort", abort, { once: true });
    client.once("ready", () => settle(resolve, client));
    // Stays for the connection's life: an error after it is up shows in the sessions, and 'close' follows.
    client.on("error", (error) => {
      client.destroy();
      settle(reject, dialError(error, `${host}:${port}`, mismatch, methods));
    });
    client.once("close", () =>
      settle(reject, new Error(`ssh: handshake failed: the connection was closed (${host}:${port})`)),
    );
    client.connect({
      ...(sock ? { sock } : { host, port }),
      username: connection.user,
      authHandler: [...methods],
      readyTimeout: perDialTimeout * 1000,
      // A peer that vanished is noticed within a minute instead of never.
      keepaliveInterval: 15_000,
      keepaliveCountMax: 4,
      ...(expected && {
        algorithms: { serverHostKey: hostKeyAlgorithms(expected.type) },
        hostVerifier: (key) => {
          mismatch = !expected.key.equals(key);
          return !mismatch;
        },
      }),
    });
  });
}

/** Tries again with growing waits; `limit` failures are allowed, -1 for any number. */
async function withRetry(what, limit, { signal, log }, attempt) {
  let wait = FIRST_WAIT;
  for (let failures = 0; ; failures++) {
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (limit > -1 && failures + 1 > limit) {
        throw new Error(`after ${failures} failed attempts: ${error.message}`);
      }
      await log("info", `${what} ${failures + 1}/${limit === -1 ? "inf" : limit} failed: retrying`, true);
    }
    await sleep(wait, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
    wait = Math.min(wait * BACKOFF, LONGEST_WAIT);
  }
}

const withDefaults = (connection) => ({ ...CONNECTION_DEFAULTS, ...connection });

/**
 * Connects to a host, by way of its proxy if it has one, with the retries that it allows.
 * @param {Record<string, any>} connection the `connection` input, plain values
 * @param {Pick<import("../provider/service.mjs").Context, "signal" | "log">} context
 * @returns {Promise<import("ssh2").Client>}
 * @throws {Error} naming the endpoint and the reason of the last attempt
 */
export async function dial(connection, context) {
  const target = withDefaults(connection);
  if (target.hostKey !== undefined) parseHostKey(target.hostKey);
  authMethods(target);
  if (!target.proxy) {
    return withRetry("Dial", target.dialErrorLimit, context, () => connect(target, context.signal));
  }
  try {
    const proxy = withDefaults(target.proxy);
    const bastion = await withRetry("Dial proxy", proxy.dialErrorLimit, context, () => connect(proxy, context.signal));
    const client = await withRetry("Dial from proxy", target.dialErrorLimit, context, async () => {
      const sock = await new Promise((resolve, reject) =>
        bastion.forwardOut("127.0.0.1", 0, target.host, target.port, (error, stream) =>
          error ? reject(error) : resolve(stream),
        ),
      );
      return connect(target, context.signal, sock);
    }).catch((error) => {
      bastion.end();
      throw error;
    });
    client.once("close", () => bastion.end());
    return client;
  } catch (error) {
    throw context.signal.aborted ? error : new Error(`proxy: ${error.message}`);
  }
}
