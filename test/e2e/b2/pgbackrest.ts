import { inside, must, type Result } from "../lab.js";
import type { S3Key } from "./s3.js";
import type { StoreAccess } from "./standIn.js";

const folder = "/var/lib/postgresql/b2-trial";
/** Stanza of the trial: the real ones know nothing of it. */
export const stanza = "b2trial";

/** pgBackRest in a data node, with settings and a small cluster of the trial's own: the formation is not touched. */
export interface Trial {
  node: string;
  as(role: "writer" | "reader", command: string): Promise<Result>;
  clear(): Promise<void>;
}

export async function prepareTrial(
  node: string,
  { store, bucket, keys }: { store: StoreAccess; bucket: string; keys: Record<"writer" | "reader", S3Key> },
): Promise<Trial> {
  const conf = ({ key, secret }: S3Key) =>
    Object.entries({
      "repo1-type": "s3",
      "repo1-path": "/pgbackrest",
      "repo1-s3-bucket": bucket,
      "repo1-s3-endpoint": store.address,
      "repo1-storage-port": store.port,
      "repo1-storage-ca-file": `${folder}/ca.crt`,
      "repo1-s3-region": store.region,
      "repo1-s3-uri-style": "path",
      "repo1-s3-key": key,
      "repo1-s3-key-secret": secret,
      "repo1-cipher-type": "aes-256-cbc",
      "repo1-cipher-pass": "only-for-this-trial",
      "repo1-retention-full": 1,
      "log-level-file": "off",
      "log-level-console": "warn",
      "spool-path": `${folder}/spool`,
      "lock-path": `${folder}/lock`,
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join("");
  const write = (name: string, text: string) =>
    must(node, `umask 077; cat >${folder}/${name}; chown postgres: ${folder}/${name}`, text);
  await must(
    node,
    `rm -rf ${folder}; install -d -o postgres -g postgres -m 0700 ${folder} ${folder}/spool ${folder}/lock ${folder}/none`,
  );
  await must(node, `cd /; runuser -u postgres -- /usr/lib/postgresql/*/bin/initdb -D ${folder}/data -A peer -N >&2`);
  await write("ca.crt", store.ca);
  for (const [role, key] of Object.entries(keys))
    await write(`${role}.conf`, `[global]\n${conf(key)}\n[${stanza}]\npg1-path=${folder}/data\n`);
  return {
    node,
    as: (role, command) =>
      inside(
        node,
        `cd ${folder}; runuser -u postgres -- pgbackrest --config=${folder}/${role}.conf --config-include-path=${folder}/none ${command.replaceAll("FOLDER", folder)}`,
      ),
    clear: async () => void (await must(node, `rm -rf ${folder}`)),
  };
}
