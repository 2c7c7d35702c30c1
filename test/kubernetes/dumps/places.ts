import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { storeBinary } from "../../../lab/store.js";
import { freePort } from "../../e2e/b2/processes.js";
import { cluster, scratch, world } from "../cluster.js";

const root = { key: "restorable-test-root", secret: "not-secret-on-this-bridge-only" };
/** Keys of the bucket; what each may do is the bucket's policy. */
export const keys = {
  writer: { key: "dumps-writer", secret: "writer-secret-on-this-bridge" },
  reader: { key: "dumps-reader", secret: "reader-secret-on-this-bridge" },
};
export const bucket = "offcluster";

export interface Places {
  /** The store as the jobs reach it: through {@link Places.wire}. */
  port: number;
  ca: string;
  /** Folder of the bucket's objects. */
  objects: string;
  wire: Wire;
  pushgatewayUrl: string;
  /** Value of a series of the Pushgateway; undefined when there is none. */
  series(name: string, labels: string): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** What connects the cluster with the store, and can be cut. */
export interface Wire {
  /** Lets so many bytes towards the store pass, then cuts everything until {@link Wire.mend}. */
  cutAfter(bytes: number): void;
  /** Lets so many bytes a second pass towards the store. */
  slow(bytesPerSecond: number): void;
  mend(): void;
  readonly isCut: boolean;
  /** Bytes towards the store since the last of these. */
  readonly passed: number;
}

function startWire(address: string, port: number, to: number): { wire: Wire; server: Server; sockets: Set<Socket> } {
  const sockets = new Set<Socket>();
  let left = Number.POSITIVE_INFINITY;
  let rate = Number.POSITIVE_INFINITY;
  let passed = 0;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    if (left <= 0) return client.destroy();
    const store = connect(to, address);
    for (const socket of [client, store]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    store.pipe(client);
    // After its end the pipe still has what is on its way.
    store.on("error", () => client.destroy());
    client.on("end", () => store.end());
    client.on("data", (data) => {
      left -= data.length;
      passed += data.length;
      if (left <= 0) return cut();
      store.write(data);
      if (Number.isFinite(rate)) {
        client.pause();
        setTimeout(() => client.resume(), (data.length / rate) * 1000);
      }
    });
    client.on("close", () => store.destroy());
  });
  server.listen(port, address);
  return {
    server,
    sockets,
    wire: {
      cutAfter: (bytes) => {
        left = bytes;
        passed = 0;
      },
      slow: (bytesPerSecond) => {
        rate = bytesPerSecond;
        passed = 0;
      },
      mend: () => {
        left = Number.POSITIVE_INFINITY;
        rate = Number.POSITIVE_INFINITY;
        passed = 0;
      },
      get isCut() {
        return left <= 0;
      },
      get passed() {
        return passed;
      },
    },
  };
}

async function s3(ca: string, port: number, method: string, path: string, body = ""): Promise<void> {
  const { stdout } = await execa(
    "curl",
    [
      ...["-sS", "--cacert", ca, "--aws-sigv4", "aws:amz:us-east-1:s3", "-K", "-", "-w", "\n%{http_code}"],
      ...["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-X", method, "--data-binary", body],
      `https://${cluster.machine}:${port}${path}`,
    ],
    { input: `user = "${root.key}:${root.secret}"\n` },
  );
  if (!/\n2\d\d$/.test(stdout)) throw new Error(`${method} ${path}: ${stdout}`);
}

const policy = () => {
  const allow = (who: string[], actions: string[], path: string) => ({
    Effect: "Allow",
    Principal: { AWS: who },
    Action: actions.map((action) => `s3:${action}`),
    Resource: [`arn:aws:s3:::${bucket}${path}`],
  });
  const { writer, reader } = keys;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      allow([writer.key, reader.key], ["ListBucket"], ""),
      allow([writer.key, reader.key], ["GetObject"], "/*"),
      allow([writer.key], ["PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"], "/*"),
    ],
  });
};

async function answers(url: string, ...options: string[]): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const { exitCode } = await execa("curl", ["-sS", "-o", "/dev/null", ...options, url], { reject: false });
    if (exitCode === 0) return;
    await sleep(200);
  }
  throw new Error(`${url} does not answer`);
}

/** A store with TLS and restricted keys, and a Pushgateway, on the machine's address in the cluster's network. */
export async function startPlaces(): Promise<Places> {
  const directory = scratch("places");
  rmSync(directory, { recursive: true, force: true });
  const path = (...names: string[]) => join(directory, ...names);
  for (const name of ["data", "versions", "iam"]) mkdirSync(path(name), { recursive: true });
  const ca = path("store.crt");
  await execa("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=store", "-addext", `subjectAltName=IP:${cluster.machine}`],
    ...["-keyout", path("store.key"), "-out", ca],
  ]);
  const accounts = Object.values(keys).map(({ key, secret }) => [
    key,
    { access: key, secret, role: "user", userID: 0, groupID: 0, projectID: 0 },
  ]);
  writeFileSync(path("iam", "users.json"), JSON.stringify({ accessAccounts: Object.fromEntries(accounts) }));
  const [behind, port, push] = [
    await freePort(cluster.machine),
    await freePort(cluster.machine),
    await freePort(cluster.machine),
  ];
  const children: ChildProcess[] = [];
  // A run that is killed takes them along.
  const start = (file: string, args: string[], env: Record<string, string> = {}) =>
    children.push(
      spawn("setpriv", ["--pdeathsig", "KILL", file, ...args], { env: { ...process.env, ...env }, stdio: "ignore" }),
    );
  start(
    await storeBinary(world, () => {}),
    [
      ...[`--port=${cluster.machine}:${behind}`, "--region=us-east-1", `--iam-dir=${path("iam")}`, "--quiet"],
      ...[`--cert=${ca}`, `--key=${path("store.key")}`],
      ...["posix", "--versioning-dir", path("versions"), path("data")],
    ],
    { ROOT_ACCESS_KEY_ID: root.key, ROOT_SECRET_ACCESS_KEY: root.secret },
  );
  // Debian's own file may hold what another run has left.
  start("prometheus-pushgateway", [
    `--web.listen-address=${cluster.machine}:${push}`,
    `--persistence.file=${path("pushgateway.data")}`,
  ]);
  const pushgatewayUrl = `http://${cluster.machine}:${push}`;
  const { wire, server, sockets } = startWire(cluster.machine, port, behind);
  const stop = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await Promise.all(
      children.map((child) => {
        if (child.exitCode !== null || child.signalCode !== null) return undefined;
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        return gone;
      }),
    );
  };
  try {
    await answers(`https://${cluster.machine}:${behind}/`, "--cacert", ca);
    await answers(`${pushgatewayUrl}/-/ready`);
    await s3(ca, behind, "PUT", `/${bucket}`);
    await s3(ca, behind, "PUT", `/${bucket}?policy=`, policy());
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    ca,
    objects: path("data", bucket),
    wire,
    pushgatewayUrl,
    series: async (name, labels) => {
      const { stdout } = await execa("curl", ["-fsS", `${pushgatewayUrl}/metrics`]);
      const line = stdout
        .split("\n")
        .find((it) => it.startsWith(`${name}{`) && labels.split(",").every((l) => it.includes(l)));
      return line === undefined ? undefined : Number(line.split(" ").at(-1));
    },
    stop,
  };
}

/** PEM of the store's certificate. */
export const caText = ({ ca }: Places): string => readFileSync(ca, "utf8");
