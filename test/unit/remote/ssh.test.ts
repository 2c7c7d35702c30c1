import { spawn } from "node:child_process";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sshKeyPair } from "../../../lab/sshKeyPair.js";
import type { Connection } from "../../../remote/connection.js";
import { runOverSsh } from "../../../remote/ssh.js";

const keys = () => sshKeyPair("test");
const host = keys();
const user = keys();

let server: InstanceType<typeof ssh2.Server>;
let connection: Connection;

beforeAll(async () => {
  server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (auth) => {
      const known = user.public.split(" ")[1];
      if (auth.method === "publickey" && auth.key.data.toString("base64") === known) auth.accept();
      else auth.reject(["publickey"]);
    });
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on("close", (code) => {
          channel.exit(code ?? 255);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  connection = { host: "127.0.0.1", port, user: "root", privateKey: user.private, hostKey: host.public };
});

afterAll(() => server.close());

describe("runOverSsh", () => {
  it("gives both outputs and the exit code", async () => {
    expect(await runOverSsh(connection, "echo out; echo err >&2; exit 3")).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  it("refuses another host key, and says so with the address", async () => {
    const other = { ...connection, hostKey: keys().public };
    await expect(runOverSsh(other, "true")).rejects.toThrow(
      `root@127.0.0.1:${connection.port}: the host key is not the configured one (hostKey)`,
    );
  });

  it("names the address when the login is refused, and shows no key", async () => {
    const stranger = { ...connection, privateKey: keys().private };
    const error: Error = await runOverSsh(stranger, "true").then(
      () => new Error("logged in"),
      (it) => it,
    );
    expect(error.message).toMatch(/^root@127\.0\.0\.1:\d+: All configured authentication methods failed$/);
  });

  it("gives up on a host that takes the connection and says nothing", async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as AddressInfo;
    const limits = { ready: 200, silence: 4000 };
    await expect(runOverSsh({ ...connection, port }, "true", limits)).rejects.toThrow(
      `root@127.0.0.1:${port}: no answer (Timed out`,
    );
    mute.close();
  });

  it("gives up on a host that is lost while the command runs, and waits for a slow command", async () => {
    const sockets: Socket[] = [];
    const between = createServer((near) => {
      const far = connect(connection.port, "127.0.0.1");
      sockets.push(near, far);
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const through = { ...connection, port: (between.address() as AddressInfo).port };
    const limits = { ready: 5000, silence: 100 };
    expect((await runOverSsh(through, "sleep 1; echo done", limits)).stdout).toBe("done\n");
    const lost = runOverSsh(through, "sleep 30", limits);
    const cut = setTimeout(() => sockets.at(-1)?.unpipe(), 500);
    await expect(lost).rejects.toThrow(`root@127.0.0.1:${through.port}: no answer (Keepalive timeout)`);
    clearTimeout(cut);
    for (const socket of sockets) socket.destroy();
    between.close();
  });

  it("names the address when nobody listens", async () => {
    await expect(runOverSsh({ ...connection, port: 1 }, "true")).rejects.toThrow(
      /^root@127\.0\.0\.1:1: .*ECONNREFUSED/,
    );
  });
});
