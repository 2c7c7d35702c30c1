import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside, metric, metricsDirectory, must, primary, sql, world } from "./lab.js";
import { type Credentials, type LooseStore, lend, startMinio } from "./looseStores.js";

const asPostgres = (command: string) => `cd /; runuser -u postgres -- ${command}`;
const pgbackrest = (command: string) =>
  asPostgres(`pgbackrest --stanza=main --repo=2 --log-level-console=off ${command}`);
const verdictFile = `${metricsDirectory}/immutability_probe_main_repo2.prom`;
const fulls = async (node: string): Promise<string[]> => {
  const info = JSON.parse(await must(node, pgbackrest("--output=json info"))) as {
    backup: { label: string; type: string }[];
  }[];
  return info[0]?.backup.filter(({ type }) => type === "full").map(({ label }) => label) ?? [];
};

let node = "";
beforeAll(async () => {
  node = await primary();
  if ((await fulls(node)).length === 0) await must(node, "systemctl start pgbackrest-full-repo2.service");
});

describe("the off-site store, with the key that the data nodes have", () => {
  it("X7 the timed probe proves that it can destroy nothing, and puts back what it hid", async () => {
    const [oldest = ""] = await fulls(node);
    const file = `backup/main/${oldest}/backup.manifest.copy`;
    const before = await must(node, pgbackrest(`repo-get --raw ${file} | sha256sum`));
    await must(node, `rm -f ${verdictFile}; systemctl start restorable-immutability.service`);
    const text = await must(node, `cat ${verdictFile}`);
    expect(metric(text, "probe_success", 'reason="none"')).toBe(1);
    expect(metric(text, "probe_outcome", 'outcome="pass"')).toBe(1);
    expect(metric(text, "probe_timestamp_seconds")).toBeGreaterThan(Date.now() / 1000 - 600);
    // What the stand-in lacks is said, and is no failure.
    expect(metric(text, "probe_lacks", 'what="lifecycle"')).toBe(1);
    // versitygw 1.8 gives a version another time when it is hidden: the copy below has a store that does not.
    expect(metric(text, "probe_lacks", 'what="repo_target_time"')).toBe(1);
    const journal = await must(node, "journalctl -u restorable-immutability.service -n 40 --no-pager -o cat");
    expect(journal).toContain(`hide ${file}`);
    expect(journal).toContain("PROVEN");
    expect(await must(node, pgbackrest(`repo-get --raw ${file} | sha256sum`))).toBe(before);
  });

  it("a standby leaves it to the primary", async () => {
    const standby = node === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary";
    const { code, output } = await inside(standby, asPostgres("immutability-probe.sh --on-primary"));
    expect(code, output).toBe(0);
    expect(output).toContain("standby: the primary probes");
  });

  it("a store out of reach is no verdict: exit 2, and the last one stays", async () => {
    const before = await must(node, `grep -e _success -e _timestamp ${verdictFile}`);
    await must("offsite-store", "systemctl stop versitygw.service");
    try {
      const { code, output } = await inside(node, asPostgres("immutability-probe.sh"));
      expect(code, output).toBe(2);
      expect(output).toContain("COULD NOT VERIFY (store_unreachable)");
    } finally {
      await must("offsite-store", "systemctl start versitygw.service");
    }
    expect(await must(node, `grep -e _success -e _timestamp ${verdictFile}`)).toBe(before);
    expect(metric(await must(node, `cat ${verdictFile}`), "probe_outcome", 'outcome="unverified"')).toBe(1);
  });
});

describe("an attacker with the writer key deletes everything", () => {
  const folder = "/run/restorable-copy";
  const bucket = "copy";
  const rights = (objects: string[]) => ({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: ["s3:ListBucket", "s3:ListBucketVersions"], Resource: [`arn:aws:s3:::${bucket}`] },
      {
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:GetObjectVersion", ...objects],
        Resource: [`arn:aws:s3:::${bucket}/*`],
      },
    ],
  });
  let store: LooseStore;

  /** Shell text that turns configuration of repository 2, on standard input, into that of the copy. */
  const turned = ({ key, secret, token }: Credentials, ca: string) =>
    `sed -e 's#^repo2-s3-endpoint=.*#repo2-s3-endpoint=${store.address}#' -e 's#^repo2-storage-port=.*#repo2-storage-port=${store.port}#' \
-e 's#^repo2-s3-bucket=.*#repo2-s3-bucket=${bucket}#' -e 's#^repo2-storage-ca-file=.*#repo2-storage-ca-file=${ca}#' \
-e 's#^repo2-s3-key=.*#repo2-s3-key=${key}#' -e 's#^repo2-s3-key-secret=.*#repo2-s3-key-secret=${secret}\\nrepo2-s3-token=${token}#'`;
  const copied = (command: string) =>
    asPostgres(
      `pgbackrest --config=${folder}/pgbackrest.conf --stanza=main --repo=2 --log-level-console=off ${command}`,
    );
  /** rclone between the lab's store, the copy as it is, and the copy as it was. */
  const rclone = (from: string, to: string, time = "2000-01-01T00:00:00Z") => `set -eu
umask 077
option() { sed -n "s/^repo2-$1=//p" "$conf" | tail -n 1; }
remote() {
  printf '[%s]\ntype = s3\nprovider = Other\nendpoint = https://%s:%s\nregion = %s\nno_check_bucket = true\n' "$1" "$(option s3-endpoint)" "$(option storage-port)" "$(option s3-region)"
  printf 'access_key_id = %s\nsecret_access_key = %s\n' "$(option s3-key)" "$(option s3-key-secret)"
  token=$(option s3-token); [ -z "$token" ] || printf 'session_token = %s\n' "$token"
}
{ conf=${folder}/lab.conf; remote lab; conf=${folder}/pgbackrest.conf; remote now; remote then; echo "version_at = ${time}"; } >${folder}/rclone.conf
rclone --config ${folder}/rclone.conf --ca-cert ${folder}/both.crt copy "${from}" "${to}" 2>&1`;

  beforeAll(async () => {
    store = await startMinio(`${world.subnet}.1`);
    await store.admin("PUT", `/${bucket}`);
    await store.admin(
      "PUT",
      `/${bucket}?versioning=`,
      '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>',
    );
    const writer = await lend(store, rights(["s3:PutObject", "s3:DeleteObject"]));
    const reader = await lend(store, rights([]));
    const ca = readFileSync(store.ca, "utf8");
    await must(
      node,
      `set -eu; rm -rf ${folder}; install -d -m 0700 -o postgres ${folder}; umask 077; cat >${folder}/ca.crt
cat ${folder}/ca.crt /etc/pgbackrest/store-ca.crt >${folder}/both.crt
cat /etc/pgbackrest/pgbackrest.conf /etc/pgbackrest/conf.d/secrets.conf >${folder}/lab.conf
${turned(writer, `${folder}/ca.crt`)} <${folder}/lab.conf >${folder}/pgbackrest.conf
printf 'STANZA=main\nREPOSITORY=2\nMETRICS_DIRECTORY=${folder}/metrics\nCONF_FILES=${folder}/pgbackrest.conf\n' >${folder}/probe.env
chown -R postgres ${folder}`,
      ca,
    );
    await must(
      world.host.name,
      `set -eu; umask 077; rm -rf ${folder}; mkdir -p ${folder}; cp -a /etc/restorable/drill ${folder}/drill; cat >${folder}/drill/store-ca.crt
cd ${folder}/drill; for file in pgbackrest.repo2.conf secrets.repo2.conf; do ${turned(reader, "/etc/pgbackrest/store-ca.crt")} <$file >new; cat new >$file; done
{ cat /etc/restorable/drill.env; printf "CONFIG_DIR=${folder}/drill\nMETRICS_DIR=${folder}/metrics\nREAD_ONLY_REPOSITORIES=''\n"; } >${folder}/drill.env`,
      ca,
    );
    const path = "$(sed -n 's/^repo2-path=//p' /etc/pgbackrest/pgbackrest.conf)";
    const from = "$(sed -n 's/^repo2-s3-bucket=//p' /etc/pgbackrest/pgbackrest.conf)";
    await must(node, rclone(`lab:${from}${path}`, `now:${bucket}${path}`));
  });
  afterAll(async () => {
    for (const where of [node, world.host.name]) await inside(where, `rm -rf ${folder}`);
    await store?.stop();
  });

  it("the probe shows that pgBackRest brings back what it hid", async () => {
    const { code, output } = await inside(
      node,
      asPostgres(`env PGBACKREST_CONFIG=${folder}/pgbackrest.conf immutability-probe.sh --config ${folder}/probe.env`),
    );
    expect(code, output).toBe(0);
    expect(output).toMatch(/pgbackrest --repo-target-time="[^"]+" +brings it back, byte for byte/);
  });

  it("docs/ransomware.md: the drill restores the repository as it was, and it is made whole again", async () => {
    const users = Number(await sql(node, "SELECT count(*) FROM users"));
    const info = async () => (await must(node, copied("--output=json info"))).match(/"label":"\d{8}-\d{6}F"/g) ?? [];
    const labels = await info();
    expect(labels.length).toBeGreaterThan(0);
    // Times of versions count in whole seconds.
    const before = await must(node, "sleep 2; date -u '+%FT%TZ'; sleep 2");
    for (const part of ["backup", "archive"]) await must(node, copied(`repo-rm --recurse ${part}`));
    expect(await info()).toEqual([]);
    const { code, output, stdout } = await inside(
      world.host.name,
      `/usr/local/bin/dr-drill.sh --config ${folder}/drill.env --repo 2 --json --repo-target-time ${before} 2>${folder}/log || { rc=$?; cat ${folder}/log; exit $rc; }`,
    );
    expect(code, output).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "pass", smokeRows: users });
    const path = "$(sed -n 's/^repo2-path=//p' /etc/pgbackrest/pgbackrest.conf)";
    await must(node, rclone(`then:${bucket}${path}`, `now:${bucket}${path}`, before));
    expect(await info()).toEqual(labels);
  });
});
