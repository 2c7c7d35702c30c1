import { run } from "../lab.js";
import type { StoreAccess } from "./standIn.js";

export interface S3Key {
  key: string;
  secret: string;
}

/** One signed request to the store; gives the status. Keys reach curl on its standard input. */
export async function s3(
  store: StoreAccess,
  caFile: string,
  { key, secret }: S3Key,
  method: "GET" | "PUT" | "DELETE",
  path: string,
): Promise<{ status: number; body: string }> {
  const config = [
    `user = "${key}:${secret}"`,
    `aws-sigv4 = "aws:amz:${store.region}:s3"`,
    'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"',
    `cacert = "${caFile}"`,
    `request = "${method}"`,
    `url = "https://${store.address}:${store.port}/${path}"`,
    ...(method === "PUT" ? ['data = "probe"'] : []),
  ];
  const { code, output, stdout } = await run(["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", "-K", "-"], {
    input: config.join("\n"),
  });
  if (code !== 0) throw new Error(output);
  const lines = stdout.split("\n");
  return { status: Number(lines.pop()), body: lines.join("\n") };
}

/** Ids of all versions of an object, delete markers included. */
export async function versionsOf(
  store: StoreAccess,
  caFile: string,
  bucket: string,
  object: string,
): Promise<string[]> {
  const { body } = await s3(store, caFile, store, "GET", `${bucket}?prefix=${encodeURIComponent(object)}&versions=`);
  return [...body.matchAll(/<VersionId>([^<]+)<\/VersionId>/g)].map(([, id = ""]) => id);
}
