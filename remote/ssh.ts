import { Client } from "ssh2";
import type { Connection } from "./connection.js";

export interface SshResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** How long a host may be silent, in ms. */
export interface SshLimits {
  /** Until the login is done. */
  ready: number;
  /** Between two signs of life while the command runs; three without an answer, and the host counts as lost. */
  silence: number;
}

/**
 * Runs one command on a host, its host key checked. How long the command itself takes is not limited.
 * @param more standard input of the command, which is empty by default, and who gets its output as it comes
 * @throws Error with the address and what to do, when the host cannot be reached or is lost while the command runs
 */
export function runOverSsh(
  connection: Connection,
  command: string,
  limits: SshLimits = { ready: 10_000, silence: 4_000 },
  more: { input?: string; onOutput?: (text: string) => void } = {},
): Promise<SshResult> {
  const { host, port, user, privateKey, hostKey } = connection;
  const expected = Buffer.from(hostKey.trim().split(/\s+/)[1] ?? "", "base64");
  return new Promise((resolve, reject) => {
    const client = new Client();
    let wrongKey = false;
    const fail = (message: string) => {
      client.end();
      reject(new Error(`${user}@${host}:${port}: ${message}`));
    };
    client.on("ready", () => {
      client.exec(command, (error, channel) => {
        if (error) return fail(error.message);
        let stdout = "";
        let stderr = "";
        let code: number | undefined;
        channel.on("data", (data: Buffer) => {
          stdout += data;
          more.onOutput?.(String(data));
        });
        channel.stderr.on("data", (data: Buffer) => {
          stderr += data;
          more.onOutput?.(String(data));
        });
        channel.on("exit", (status: number | null) => {
          code = status ?? 255;
        });
        channel.on("close", () => {
          client.end();
          if (code === undefined) reject(new Error(`${user}@${host}:${port}: the connection ended before the command`));
          else resolve({ code, stdout, stderr });
        });
        channel.end(more.input ?? "");
      });
    });
    client.on("error", (error) => {
      const silent = "level" in error && error.level === "client-timeout";
      if (wrongKey) fail("the host key is not the configured one (hostKey); it may be another machine");
      else fail(silent ? `no answer (${error.message})` : error.message);
    });
    client.connect({
      host,
      port,
      username: user,
      privateKey,
      readyTimeout: limits.ready,
      keepaliveInterval: limits.silence,
      keepaliveCountMax: 2,
      algorithms: { serverHostKey: [hostKey.trim().split(/\s+/)[0] as "ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        wrongKey = !key.equals(expected);
        return !wrongKey;
      },
    });
  });
}
