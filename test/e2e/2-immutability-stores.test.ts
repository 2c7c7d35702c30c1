import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metric, root, waitFor } from "./lab.js";
import {
  type Credentials,
  type LooseStore,
  lend,
  type Probe,
  probeOf,
  runProbe,
  startMinio,
  startVersitygw,
  userOf,
} from "./looseStores.js";

const labels = ["20261101-020000F", "20261108-020000F"];
const backup = (bucket: string, name = "backup.manifest.copy", label = labels[0]) =>
  `/${bucket}/pgbackrest/backup/main/${label}/${name}`;
const manifest = "a manifest\n".repeat(200);
const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const versioning = (status: string) =>
  `<VersioningConfiguration ${namespace}><Status>${status}</Status></VersioningConfiguration>`;

const list = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"];
const write = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"];

/** What two full backups look like to the probe. */
async function backups(store: LooseStore, bucket: string): Promise<void> {
  for (const label of labels)
    for (const name of ["backup.manifest", "backup.manifest.copy"])
      await store.admin("PUT", backup(bucket, name, label), manifest);
}

const series = ({ metrics }: Probe): string => {
  const [name = ""] = readdirSync(metrics);
  return readFileSync(join(metrics, name), "utf8");
};
const outcome = (probe: Probe): string | undefined =>
  ["pass", "fail", "unverified"].find((state) => metric(series(probe), "probe_outcome", `"${state}"`) === 1);

async function versions(store: LooseStore, bucket: string): Promise<number> {
  const answer = await store.admin("GET", `/${bucket}?prefix=pgbackrest%2Fbackup%2F&versions=`);
  return [...answer.matchAll(/<(?:Version|DeleteMarker)>/g)].length;
}

describe("a store whose policy protects (versitygw)", () => {
  let store: LooseStore;
  const bucket = "off-site";
  const policy = (strong: string[], strongBucket: string[] = []) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { who: "writer", bucket: list, objects: write },
        { who: "strong", bucket: [...list, ...strongBucket], objects: [...write, ...strong] },
        { who: "reader", bucket: list, objects: ["s3:GetObject", "s3:GetObjectVersion"] },
      ].flatMap(({ who, bucket: onBucket, objects }) => [
        {
          Effect: "Allow",
          Principal: { AWS: [userOf(who).key] },
          Action: onBucket,
          Resource: `arn:aws:s3:::${bucket}`,
        },
        {
          Effect: "Allow",
          Principal: { AWS: [userOf(who).key] },
          Action: objects,
          Resource: `arn:aws:s3:::${bucket}/*`,
        },
      ]),
    });
  const probe = (name: string) => probeOf(store, bucket, userOf(name));

  beforeAll(async () => {
    store = await startVersitygw();
    await store.admin("PUT", `/${bucket}`);
    await store.admin("PUT", `/${bucket}?versioning=`, versioning("Enabled"));
    await store.admin("PUT", `/${bucket}?policy=`, policy(["s3:DeleteObjectVersion"]));
    await backups(store, bucket);
  });
  afterAll(() => store?.stop());

  it("X7 is proven with a writer key that may only hide; it says what the store lacks", async () => {
    const writer = probe("writer");
    const { code, output } = await runProbe(writer);
    expect(code, output).toBe(0);
    expect(output).toMatch(/destroy a version \(single\) +403 AccessDenied; it is still there/);
    expect(output).toMatch(/destroy the backup's old version \(many, bypass\) +200 AccessDenied; it is still there/);
    expect(output).toContain("the same bytes are current again");
    for (const what of ["object_lock", "lifecycle"]) {
      expect(output).toMatch(new RegExp(`^-- +${what} `, "m"));
      expect(metric(series(writer), "probe_lacks", `what="${what}"`)).toBe(1);
    }
    expect(metric(series(writer), "probe_success", 'reason="none"')).toBe(1);
    expect(outcome(writer)).toBe("pass");
    expect(await store.admin("GET", backup(bucket))).toBe(`${manifest}\n200`);
  });

  it("FAILS when the writer key may destroy a version, and touches no backup then", async () => {
    const strong = probe("strong");
    const before = await versions(store, bucket);
    const { code, output } = await runProbe(strong);
    expect(code, output).toBe(1);
    expect(output).toMatch(/^FAIL destroy a version \(single\) +204; the version is GONE/m);
    expect(output).toContain("not touched");
    expect(metric(series(strong), "probe_success", 'reason="version_destroyed"')).toBe(0);
    expect(outcome(strong)).toBe("fail");
    expect(await versions(store, bucket)).toBe(before);
  });

  it("FAILS when it may change the bucket, and changes nothing by trying", async () => {
    const rights = ["s3:PutBucketVersioning", "s3:PutBucketPolicy", "s3:PutBucketObjectLockConfiguration"];
    const before = policy([], rights);
    await store.admin("PUT", `/${bucket}?policy=`, before);
    const { code, output } = await runProbe(probe("strong"));
    expect(code, output).toBe(1);
    for (const what of ["versioning", "policy", "object lock of the bucket"])
      expect(output).toMatch(new RegExp(`^FAIL change (the )?${what} `, "m"));
    expect(await store.admin("GET", `/${bucket}?policy=`)).toBe(`${before}\n200`);
    expect(await store.admin("GET", `/${bucket}?versioning=`)).toContain("<Status>Enabled</Status>");
  });

  it("FAILS when versioning is suspended", async () => {
    await store.admin("PUT", `/${bucket}?versioning=`, versioning("Suspended"));
    try {
      const writer = probe("writer");
      const { code, output } = await runProbe(writer);
      expect(code, output).toBe(1);
      expect(metric(series(writer), "probe_success", 'reason="versioning_off"')).toBe(0);
    } finally {
      await store.admin("PUT", `/${bucket}?versioning=`, versioning("Enabled"));
    }
  });

  it("could not verify: out of reach, an unknown key, a key that may not write; the last verdict and its time stay", async () => {
    for (const [who, port, reason] of [
      [userOf("writer"), 1, "store_unreachable"],
      [{ ...userOf("writer"), secret: "another-secret" }, store.port, "key_refused"],
      [userOf("reader"), store.port, "access_denied"],
    ] as [Credentials, number, string][]) {
      const blind = probeOf(store, bucket, who, port);
      const name = join(blind.metrics, "immutability_probe_main_repo2.prom");
      const verdict = [
        'success{stanza="main",repo="2",reason="none"} 1',
        'timestamp_seconds{stanza="main",repo="2"} 1234',
      ];
      mkdirSync(blind.metrics);
      writeFileSync(name, verdict.map((line) => `restorable_immutability_probe_${line}\n`).join(""));
      const { code, output } = await runProbe(blind);
      expect(code, output).toBe(2);
      expect(output).toContain(`COULD NOT VERIFY (${reason})`);
      expect(outcome(blind)).toBe("unverified");
      for (const line of verdict) expect(series(blind)).toContain(line);
    }
  });

  describe("cut off while the file of the backup is hidden", () => {
    const note = `/${bucket}/pgbackrest/immutability-probe/hidden`;
    const current = (path: string) => store.request(userOf("writer"), "GET", path);

    /** Runs the probe with a curl that stops after the deletion; gives its process once it has stopped there. */
    async function hidden() {
      const stubs = join(store.directory, "stubs");
      const reached = join(store.directory, "reached");
      mkdirSync(stubs, { recursive: true });
      rmSync(reached, { force: true });
      writeFileSync(
        join(stubs, "curl"),
        `#!/bin/sh
PATH=$REAL_PATH
curl "$@"
rc=$?
case "$*" in *"-X DELETE"*/backup.manifest.copy) touch "${reached}"; sleep 60 ;; esac
exit $rc
`,
      );
      chmodSync(join(stubs, "curl"), 0o755);
      const child = spawn("scripts/immutability-probe.sh", ["--config", probe("writer").config], {
        cwd: root,
        detached: true,
        stdio: "ignore",
        env: { ...process.env, REAL_PATH: process.env.PATH, PATH: `${stubs}:${process.env.PATH}` },
      });
      await waitFor("the hidden file", 60, async () => readdirSync(store.directory).includes("reached"));
      expect(await current(backup(bucket))).toMatch(/\n404$/);
      return child;
    }

    it("by a signal: it puts the file back before it ends with 2", async () => {
      const child = await hidden();
      const ended = once(child, "exit");
      process.kill(-(child.pid ?? Number.NaN), "SIGTERM");
      expect(await ended).toEqual([2, null]);
      expect(await current(backup(bucket))).toBe(`${manifest}\n200`);
      expect(await current(note)).toMatch(/\n404$/);
    });

    it("by a power cut: the next run puts it back first", async () => {
      const child = await hidden();
      const ended = once(child, "exit");
      process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
      await ended;
      expect(await current(note)).toMatch(/\n200$/);
      const { code, output } = await runProbe(probe("writer"), "--put-back");
      expect(code, output).toBe(0);
      expect(output).toContain("is back");
      expect(await current(backup(bucket))).toBe(`${manifest}\n200`);
      expect(await current(note)).toMatch(/\n404$/);
    });
  });
});

describe("a store whose object lock protects (MinIO)", () => {
  let store: LooseStore;
  const bucket = "locked";
  const key = (more: string[] = [], onBucket: string[] = []) =>
    lend(store, {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: [...list, ...onBucket], Resource: [`arn:aws:s3:::${bucket}`] },
        {
          Effect: "Allow",
          Action: [...write, "s3:GetObjectRetention", ...more],
          Resource: [`arn:aws:s3:::${bucket}/*`],
        },
      ],
    });

  beforeAll(async () => {
    store = await startMinio();
    await store.admin("PUT", `/${bucket}`, undefined, "x-amz-bucket-object-lock-enabled: true");
    const retention = "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule>";
    await store.admin(
      "PUT",
      `/${bucket}?object-lock=`,
      `<ObjectLockConfiguration ${namespace}><ObjectLockEnabled>Enabled</ObjectLockEnabled>${retention}</ObjectLockConfiguration>`,
    );
    await backups(store, bucket);
  });
  afterAll(() => store?.stop());

  it("X7 is proven by the lock even for a key that may destroy versions", async () => {
    const probe = probeOf(store, bucket, await key(["s3:DeleteObjectVersion"]));
    const { code, output } = await runProbe(probe);
    expect(code, output).toBe(0);
    expect(output).toMatch(/^ok +object_lock +GOVERNANCE until \d{4}-/m);
    expect(output).toMatch(/destroy the backup's old version \(single\) +400 \w+; it is still there/);
    expect(metric(series(probe), "probe_lacks", 'what="object_lock"')).toBeNaN();
    expect(await store.admin("GET", backup(bucket))).toBe(`${manifest}\n200`);
  });

  it("FAILS when the key may bypass governance", async () => {
    const probe = probeOf(store, bucket, await key(["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]));
    const { code, output } = await runProbe(probe);
    expect(code, output).toBe(1);
    expect(output).toMatch(/^FAIL destroy a version \(single, bypass\) +204; the version is GONE/m);
  });

  it("FAILS when the key may shorten the retention, or change the lifecycle", async () => {
    const rights = ["s3:PutObjectRetention", "s3:BypassGovernanceRetention"];
    const probe = probeOf(store, bucket, await key(rights, ["s3:PutLifecycleConfiguration"]));
    const { code, output } = await runProbe(probe);
    expect(code, output).toBe(1);
    expect(output).toMatch(/^FAIL change retention of a version \(bypass\)/m);
    expect(output).toMatch(/^FAIL change the lifecycle/m);
    expect(metric(series(probe), "probe_success", 'reason="retention_changeable"')).toBe(0);
  });
});
