import { spawn } from "node:child_process";
import { type AddressInfo, createConnection } from "node:net";
import ssh2, { type Connection } from "ssh2";
import { sshKeyPair } from "../../../lab/sshKeyPair.js";

const { Server } = ssh2;

/** What a server allows; everything by default. */
export interface ServerOptions {
  /** Names of variables that a client may set. */
  acceptEnv?: string[];
  /** Sessions open at once over one connection. */
  maxSessions?: number;
}

/** An SSH server on a free local port that runs commands with sh. */
export interface SshServer {
  port: number;
  /** In authorized_keys format. */
  hostKey: string;
  /** The `connection` input of a command for this server. */
  connection: Record<string, unknown>;
  /** What happened: connections made, commands run, most of them at once, ports forwarded to. */
  seen: { connections: number; commands: string[]; concurrent: number; forwarded: number[] };
  /** Cuts every open connection. */
  drop(): void;
  close(): Promise<void>;
}

const PASSWORD = "let-me-in";

/** A new host key: the private half, and the public one in authorized_keys format. */
export const newHostKey = () => sshKeyPair("test");

export async function startSshServer(options: ServerOptions = {}): Promise<SshServer> {
  const key = newHostKey();
  const open = new Set<Connection>();
  const seen = { connections: 0, commands: [] as string[], concurrent: 0, forwarded: [] as number[] };
  let running = 0;

  const server = new Server({ hostKeys: [key.private] }, (client) => {
    seen.connections++;
    open.add(client);
    let sessions = 0;
    client.on("error", () => {});
    client.on("close", () => open.delete(client));
    client.on("authentication", (auth) => {
      if (auth.method === "password" && auth.password === PASSWORD) auth.accept();
      else auth.reject(["password"]);
    });
    client.on("tcpip", (accept, _reject, info) => {
      seen.forwarded.push(info.destPort);
      const outward = createConnection(info.destPort, info.destIP);
      const channel = accept();
      channel.pipe(outward).pipe(channel);
      outward.on("error", () => {});
      channel.on("error", () => {});
    });
    client.on("session", (accept, reject) => {
      if (sessions >= (options.maxSessions ?? Number.POSITIVE_INFINITY)) {
        reject();
        return;
      }
      sessions++;
      const session = accept();
      const env: Record<string, string> = {};
      session.on("env", (acceptEnv, rejectEnv, info) => {
        if (options.acceptEnv && !options.acceptEnv.includes(info.key)) {
          rejectEnv?.();
          return;
        }
        env[info.key] = info.val;
        acceptEnv?.();
      });
      session.on("close", () => {
        sessions--;
      });
      session.on("exec", (acceptExec, _reject, info) => {
        seen.commands.push(info.command);
        seen.concurrent = Math.max(seen.concurrent, ++running);
        const channel = acceptExec();
        const child = spawn("sh", ["-c", info.command], { env: { ...process.env, ...env } });
        channel.pipe(child.stdin);
        child.stdin.on("error", () => {});
        child.stdout.on("data", (data) => channel.write(data));
        child.stderr.on("data", (data) => channel.stderr.write(data));
        child.on("close", (code, signal) => {
          running--;
          if (signal) channel.exit(signal.replace("SIG", ""), false, "");
          else channel.exit(code ?? 255);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const drop = () => {
    for (const client of open) client.end();
  };
  return {
    port,
    hostKey: key.public,
    connection: {
      host: "127.0.0.1",
      port,
      user: "root",
      password: PASSWORD,
      hostKey: key.public,
      dialErrorLimit: 1,
      perDialTimeout: 5,
    },
    seen,
    drop,
    async close() {
      drop();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
