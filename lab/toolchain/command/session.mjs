const WINDOW = 2 << 20;
const PACKET = 32 << 10;

/** A session channel on which requests can be sent before the command: ssh2's own `exec` sends `env` without asking for an answer. */
function openSession(client) {
  return new Promise((resolve, reject) => {
    const opened = (error, channel) => (error ? reject(error) : resolve(channel));
    opened.type = "session";
    const id = client._chanMgr.add(opened);
    if (id === -1) reject(new Error("ssh: no free channel"));
    else client._protocol.session(id, WINDOW, PACKET);
  });
}

/** Sends a request on a channel; resolves to whether the server accepted it. */
const request = (channel, send) =>
  new Promise((resolve) => {
    channel._callbacks.push((refused) => resolve(!refused));
    send(channel._client._protocol, channel.outgoing.id);
  });

/** @returns {Promise<import("ssh2").ClientChannel>} */
const execPlain = (client, command) =>
  new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });

async function execWithEnvironment(client, command, environment) {
  const channel = await openSession(client);
  for (const { name, value, refused } of environment) {
    if (await request(channel, (protocol, id) => protocol.env(id, name, value, true))) continue;
    try {
      await refused();
    } catch (error) {
      channel.close();
      throw error;
    }
  }
  channel.subtype = "exec";
  if (!(await request(channel, (protocol, id) => protocol.exec(id, command, true)))) {
    channel.close();
    throw new Error("ssh: command failed");
  }
  return channel;
}

/**
 * Runs a command in a session of its own.
 * @param {import("ssh2").Client} client
 * @param {object} run
 * @param {string} run.command
 * @param {string | undefined} run.stdin
 * @param {{ name: string, value: string, refused: () => Promise<void> }[]} run.environment `refused` runs when the
 *   server does not take the variable, and throws if the command must not run without it
 * @param {(stream: "stdout" | "stderr", chunk: Buffer) => void} run.write gets what the command writes
 * @returns {Promise<{ code?: number | null, signal?: string, reason?: string }>} how it ended; empty when the
 *   connection was lost
 */
export async function runSession(client, { command, stdin, environment, write }) {
  const channel =
    environment.length > 0 ? await execWithEnvironment(client, command, environment) : await execPlain(client, command);
  return new Promise((resolve) => {
    let exit = {};
    channel.on("data", (chunk) => write("stdout", chunk));
    channel.stderr.on("data", (chunk) => write("stderr", chunk));
    // A command that ends without reading its input breaks the stream; its exit status says what matters.
    channel.on("error", () => {});
    channel.once("exit", (code, signal, _dumped, reason) => {
      exit = { code, ...(signal && { signal: signal.replace(/^SIG/, "") }), ...(reason && { reason }) };
    });
    channel.once("close", () => resolve(exit));
    channel.end(stdin ?? "");
  });
}
