import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeBinary } from "../../lab/store.js";
import { type Result, run, waitFor, world } from "./lab.js";
import { minioBinary } from "./minio.js";

/** Key, secret, and the token of a key that was lent for an hour. */
export interface Credentials {
  key: string;
  secret: string;
  token?: string;
}

/** An S3 server that is a process of the tests' own, without a container. */
export interface LooseStore {
  address: string;
  port: number;
  /** Certificate of the server. */
  ca: string;
  directory: string;
  /** A request with the administrator's key. @throws Error when it is refused */
  admin(method: string, path: string, body?: string, ...headers: string[]): Promise<string>;
  /** The same with any key, whatever comes of it; the HTTP status is the output's last line. */
  request(who: Credentials, method: string, path: string, body?: string, ...headers: string[]): Promise<string>;
  stop(): Promise<void>;
}

const root: Credentials = { key: "restorable-test-root", secret: "not-secret-on-loopback-only" };
/** Users of the versitygw store; what they may do is the bucket's policy. */
export const users = ["writer", "strong", "reader"] as const;
export const userOf = (name: string): Credentials => ({ key: `${name}-key`, secret: `${name}-secret-on-loopback` });

function freePort(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, address, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === "object" && bound ? bound.port : 0));
    });
  });
}

async function start(
  command: (directory: string, port: number) => { file: string; args: string[]; env: Record<string, string> },
  address = "127.0.0.1",
): Promise<LooseStore> {
  const directory = mkdtempSync(join(tmpdir(), "restorable-store-"));
  const ca = join(directory, "public.crt");
  const made = await run([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=store", "-addext", `subjectAltName=IP:${address}`],
    ...["-keyout", join(directory, "private.key"), "-out", ca],
  ]);
  if (made.code !== 0) throw new Error(made.output);
  const port = await freePort(address);
  const { file, args, env } = command(directory, port);
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: "ignore" });
  const store: LooseStore = {
    address,
    port,
    ca,
    directory,
    request: (...request) => s3(store, ...request),
    admin: async (...request) => {
      const answer = await s3(store, root, ...request);
      if (!/\n2\d\d$/.test(answer)) throw new Error(`${request.slice(0, 2).join(" ")}: ${answer}`);
      return answer;
    },
    stop: () => stop(child, directory),
  };
  try {
    await waitFor("the store's answer", 60, async () => (await s3(store, root, "GET", "/")).endsWith("\n200"));
  } catch (error) {
    await store.stop();
    throw error;
  }
  return store;
}

async function stop(child: ChildProcess, directory: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
  rmSync(directory, { recursive: true, force: true });
}

async function s3(
  store: LooseStore,
  who: Credentials,
  method: string,
  path: string,
  body?: string,
  ...headers: string[]
): Promise<string> {
  const file = join(store.directory, "body");
  writeFileSync(file, body ?? "");
  const { stdout } = await run(
    [
      ...["bash", "-c"],
      `md5=$(openssl md5 -binary "$1" | base64); shift; exec curl -sS --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -H "Content-MD5: $md5" -K - -w '\\n%{http_code}' "$@"`,
      ...["curl", file, "--cacert", store.ca, "-X", method, ...headers.flatMap((header) => ["-H", header])],
      ...(body === undefined ? [] : ["--data-binary", `@${file}`]),
      `https://${store.address}:${store.port}${path}`,
    ],
    {
      input: `user = "${who.key}:${who.secret}"\n${who.token ? `header = "x-amz-security-token: ${who.token}"\n` : ""}`,
    },
  );
  return stdout;
}

/** versitygw with versions, and the {@link users}. */
export async function startVersitygw(): Promise<LooseStore> {
  const binary = await storeBinary(world, console.log);
  return start((directory, port) => {
    for (const name of ["data", "versions", "iam"]) mkdirSync(join(directory, name));
    const account = ({ key, secret }: Credentials) => ({
      ...{ access: key, secret, role: "user", userID: 0, groupID: 0, projectID: 0 },
    });
    const accounts = users.map((name) => [userOf(name).key, account(userOf(name))]);
    writeFileSync(
      join(directory, "iam", "users.json"),
      JSON.stringify({ accessAccounts: Object.fromEntries(accounts) }),
    );
    return {
      file: binary,
      args: [
        ...[`--port=127.0.0.1:${port}`, "--region=us-east-1", `--iam-dir=${join(directory, "iam")}`, "--quiet"],
        ...[`--cert=${join(directory, "public.crt")}`, `--key=${join(directory, "private.key")}`],
        ...["posix", "--versioning-dir", join(directory, "versions"), join(directory, "data")],
      ],
      env: { ROOT_ACCESS_KEY_ID: root.key, ROOT_SECRET_ACCESS_KEY: root.secret },
    };
  });
}

/** MinIO, which has object lock and lifecycle, and versions that keep their times. */
export async function startMinio(address?: string): Promise<LooseStore> {
  const binary = await minioBinary();
  return start((directory, port) => {
    const certificates = join(directory, "certificates");
    mkdirSync(certificates);
    mkdirSync(join(directory, "data"));
    for (const name of ["public.crt", "private.key"]) copyFileSync(join(directory, name), join(certificates, name));
    return {
      file: binary,
      args: [
        ...["server", "--quiet", "--certs-dir", certificates],
        ...["--address", `${address ?? "127.0.0.1"}:${port}`, join(directory, "data")],
      ],
      env: { MINIO_ROOT_USER: root.key, MINIO_ROOT_PASSWORD: root.secret, MINIO_BROWSER: "off", MINIO_UPDATE: "off" },
    };
  }, address);
}

/** A key of MinIO's own token service that may do what the policy says, for an hour. */
export async function lend(store: LooseStore, policy: object): Promise<Credentials> {
  const form = { Action: "AssumeRole", Version: "2011-06-15", DurationSeconds: "3600", Policy: JSON.stringify(policy) };
  const { stdout } = await run(
    [
      ...["curl", "-sS", "--cacert", store.ca, "--aws-sigv4", "aws:amz:us-east-1:sts", "-K", "-"],
      ...Object.entries(form).flatMap(([name, value]) => ["--data-urlencode", `${name}=${value}`]),
      `https://${store.address}:${store.port}/`,
    ],
    { input: `user = "${root.key}:${root.secret}"\n` },
  );
  const field = (name: string) => {
    const [, value] = new RegExp(`<${name}>([^<]+)<`).exec(stdout) ?? [];
    if (!value) throw new Error(`no ${name} in ${stdout}`);
    return value;
  };
  return { key: field("AccessKeyId"), secret: field("SecretAccessKey"), token: field("SessionToken") };
}

export interface Probe {
  /** Settings file of the probe. */
  config: string;
  /** Folder of its metrics. */
  metrics: string;
}

/** Files with which the probe looks at a bucket of a loose store. */
export function probeOf(store: LooseStore, bucket: string, who: Credentials, port: number = store.port): Probe {
  const directory = mkdtempSync(join(store.directory, "probe-"));
  const conf = join(directory, "pgbackrest.conf");
  const option = (name: string, value: string | number) => `repo2-${name}=${value}\n`;
  writeFileSync(
    conf,
    [
      "[global]\n",
      option("type", "s3") + option("s3-endpoint", "127.0.0.1") + option("storage-port", port),
      option("s3-bucket", bucket) + option("s3-region", "us-east-1") + option("s3-uri-style", "path"),
      option("storage-ca-file", store.ca) + option("path", "/pgbackrest"),
      option("s3-key", who.key) + option("s3-key-secret", who.secret),
      who.token ? option("s3-token", who.token) : "",
    ].join(""),
  );
  chmodSync(conf, 0o600);
  const config = join(directory, "immutability.env");
  const metrics = join(directory, "metrics");
  writeFileSync(config, `STANZA=main\nREPOSITORY=2\nMETRICS_DIRECTORY=${metrics}\nCONF_FILES=${conf}\n`);
  return { config, metrics };
}

/** Runs the probe of this checkout. */
export const runProbe = ({ config }: Probe, ...args: string[]): Promise<Result> =>
  run(["scripts/immutability-probe.sh", "--config", config, ...args]);
