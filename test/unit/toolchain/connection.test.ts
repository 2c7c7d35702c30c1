import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Plugin, type Properties, startPlugin } from "./plugin.js";
import { newHostKey, type SshServer, startSshServer } from "./ssh-server.js";

const TYPE = "command:remote:Command";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let plugin: Plugin;
let server: SshServer;

beforeEach(async () => {
  plugin = await startPlugin("command");
  server = await startSshServer();
});
afterEach(async () => {
  await plugin.stop();
  await server.close();
});

const run = async (create: string, connection: Properties = {}, target = server): Promise<unknown> => {
  const { inputs } = await plugin.check(TYPE, { create, connection: { ...target.connection, ...connection } });
  return (await plugin.create(TYPE, inputs)).outputs.stdout;
};
const shown = () => plugin.shown.map(({ message }) => message);

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const probe: Server = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describe("one connection per host", () => {
  test("many commands at once share it, no more of them than a server takes", async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => run(`sleep 0.05; echo ${i}`)));
    expect(results).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
    expect(server.seen.connections).toBe(1);
    expect(server.seen.concurrent).toBeLessThanOrEqual(8);
  });

  test("a changed connection input opens another", async () => {
    await run("true");
    await run("true", { user: "other" });
    expect(server.seen.connections).toBe(2);
  });

  test("a lost connection is opened again for the next command", async () => {
    await run("true");
    server.drop();
    await expect.poll(() => run("echo back").catch(() => "")).toBe("back");
    expect(server.seen.connections).toBe(2);
  });

  test("a connection lost while a command runs is that command's error", async () => {
    const running = run("sleep 5");
    await expect.poll(() => server.seen.commands.length).toBe(1);
    server.drop();
    await expect(running).rejects.toThrow("remote command exited without exit status or exit signal");
  });

  test("goes by way of a proxy", async () => {
    const bastion = await startSshServer();
    expect(await run("echo through", { proxy: bastion.connection })).toBe("through");
    expect(bastion.seen.forwarded).toEqual([server.port]);
    expect(bastion.seen.commands).toEqual([]);
    await bastion.close();
  });
});

describe("host key", () => {
  test("another key than expected is an error and runs nothing", async () => {
    await expect(run("true", { hostKey: newHostKey().public })).rejects.toThrow(
      `after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch (127.0.0.1:${server.port})`,
    );
    expect(server.seen.commands).toEqual([]);
  });

  test("a text that is no key is an error at once", async () => {
    await expect(run("true", { hostKey: "ssh-ed25519 nonsense" })).rejects.toThrow("failed to parse host key");
    expect(server.seen.connections).toBe(0);
  });

  test("options before the key are allowed", async () => {
    expect(await run("echo ok", { hostKey: `restrict ${server.hostKey}` })).toBe("ok");
  });
});

describe("a host that cannot be reached", () => {
  test("is tried again as often as allowed, then named", async () => {
    const port = await closedPort();
    await expect(run("true", { port, dialErrorLimit: 2 })).rejects.toThrow(
      `after 2 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
    expect(shown()).toEqual(["Dial 1/2 failed: retrying", "Dial 2/2 failed: retrying"]);
  });

  test("that does not answer is given up after the dial's timeout", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    await expect(run("true", { port, dialErrorLimit: 0, perDialTimeout: 1 })).rejects.toThrow(
      `after 0 failed attempts: dial tcp 127.0.0.1:${port}: i/o timeout`,
    );
    silent.close();
  });

  test("that refuses the login says what was tried, never the password", async () => {
    const error = await run("true", { password: "wrong-password" }).catch((caught: Error) => caught);
    expect(String(error)).toContain("unable to authenticate, attempted methods [none password keyboard-interactive");
    expect(`${error}${shown()}`).not.toContain("wrong-password");
  });
});

describe("cancellation", () => {
  test("ends the wait for a host at once", async () => {
    const waiting = run("true", { port: await closedPort(), dialErrorLimit: -1 });
    const failed = expect(waiting).rejects.toThrow("context canceled");
    await expect.poll(() => shown().length).toBeGreaterThan(0);
    await plugin.cancel();
    await failed;
  });

  test("lets a command that runs finish and keeps what it wrote", async () => {
    const running = run("sleep 0.5; echo finished");
    await expect.poll(() => server.seen.commands.length).toBe(1);
    await plugin.cancel();
    expect(await running).toBe("finished");
  });

  test("begins nothing new", async () => {
    await plugin.cancel();
    await expect(run("true")).rejects.toThrow("context canceled");
    expect(server.seen.commands).toEqual([]);
  });

  test("the resource's own timeout ends the wait for a host", async () => {
    const { inputs } = await plugin.check(TYPE, {
      create: "true",
      connection: { ...server.connection, port: await closedPort(), dialErrorLimit: -1 },
    });
    await expect(plugin.create(TYPE, inputs, { timeout: 1 })).rejects.toThrow("context deadline exceeded");
  });
});
