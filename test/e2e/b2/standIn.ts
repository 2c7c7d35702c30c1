import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { storeBinary } from "../../../lab/store.js";
import { root, run, world } from "../lab.js";
import { freePort, type Service, serve } from "./processes.js";
import { standInPython } from "./python.js";

/** The S3 store beside the stand-in: where a key made by B2's API works. */
export interface StoreAccess {
  address: string;
  port: number;
  /** PEM of its authority. */
  ca: string;
  region: string;
  key: string;
  secret: string;
}

export interface Key {
  keyName: string;
  applicationKeyId: string;
  capabilities: string[];
  bucketIds: string[];
  namePrefix: string | null;
}

export interface Control {
  // biome-ignore lint/suspicious/noExplicitAny: B2's own answers
  buckets: any[];
  keys: Key[];
  /** Calls since faults were set, in order. */
  calls: string[];
}

export interface StandIn {
  url: string;
  keyId: string;
  key: string;
  store: StoreAccess;
  control(): Promise<Control>;
  /** What goes wrong from now on: test/b2/standin.py. */
  faults(...faults: Record<string, unknown>[]): Promise<void>;
  /** A call with the master key. */
  call(call: string, body: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** An account key that lacks these capabilities. */
  accountKeyWithout(...capabilities: string[]): Promise<{ keyId: string; key: string }>;
  stop(): Promise<void>;
}

/** versitygw with versions behind TLS, on the address of this machine that containers reach. */
async function startStore(directory: string, address: string): Promise<StoreAccess & Service> {
  const binary = await storeBinary(world, () => {});
  for (const folder of ["data", "versions", "iam"]) mkdirSync(join(directory, folder), { recursive: true });
  const path = (name: string) => join(directory, name);
  const { code, output } = await run([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
    ...["-subj", "/CN=stand-in", "-addext", `subjectAltName=IP:${address}`, "-keyout", path("tls.key")],
    ...["-out", path("tls.crt")],
  ]);
  if (code !== 0) throw new Error(output);
  const access = { key: randomBytes(10).toString("hex"), secret: randomBytes(24).toString("hex") };
  const port = await freePort(address);
  const region = "us-west-004";
  const service = await serve(
    [
      ...[binary, `--port=${address}:${port}`, `--region=${region}`, `--cert=${path("tls.crt")}`],
      ...[`--key=${path("tls.key")}`, `--iam-dir=${path("iam")}`, "--quiet", "posix"],
      ...[`--versioning-dir=${path("versions")}`, path("data")],
    ],
    { ROOT_ACCESS_KEY_ID: access.key, ROOT_SECRET_ACCESS_KEY: access.secret },
    async () =>
      (await run(["curl", "-s", "-o", "/dev/null", "--cacert", path("tls.crt"), `https://${address}:${port}/`]))
        .code === 0,
  );
  return { ...service, ...access, address, port, region, ca: readFileSync(path("tls.crt"), "utf8") };
}

/**
 * Starts B2's stand-in with a store beside it.
 *
 * @param directory empty; on a file system with extended attributes
 * @param address of this machine, for the store
 */
export async function startStandIn(directory: string, address: string): Promise<StandIn> {
  const python = await standInPython();
  const { stop, ...store } = await startStore(directory, address);
  const settings = join(directory, "standin.json");
  const output = join(directory, "access.json");
  const { region, key, secret } = store;
  const beside = { url: `https://${address}:${store.port}`, ca: join(directory, "tls.crt"), region, key, secret };
  writeFileSync(settings, JSON.stringify({ output, store: beside }), { mode: 0o600 });
  const service = await serve(
    [python, join(root, "test/b2/standin.py"), settings],
    { PYTHONDONTWRITEBYTECODE: "1" },
    () => existsSync(output),
  ).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const access = JSON.parse(readFileSync(output, "utf8")) as { url: string; keyId: string; key: string };
  const post = async (body: unknown) => {
    const response = await fetch(`${access.url}/control`, { method: "POST", body: JSON.stringify(body) });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  };
  return {
    ...access,
    store,
    control: async () => (await (await fetch(`${access.url}/control`)).json()) as Control,
    faults: async (...faults) => void (await post({ faults })),
    call: (call, body) => post({ call, body }),
    accountKeyWithout: async (...capabilities) =>
      (await post({ accountKey: capabilities })) as unknown as { keyId: string; key: string },
    stop: async () => {
      await service.stop();
      await stop();
    },
  };
}
