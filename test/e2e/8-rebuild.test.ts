import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { escrowIdentity } from "../../lab/escrow.js";
import { cli, incus, inside, must, primary, root, run, runLab, sql, waitFor, world } from "./lab.js";

/** The repository that outlives the site, and its store's container. */
const survivor = { repository: 2, store: "offsite-store" };

const host = world.host.name;
const identity = escrowIdentity(world);
const file = join(world.directory, "rebuild.age");
const settings = join(world.directory, "rebuild.yaml");
const state = join(world.directory, "state");
const before = `${state}.before`;

const escrow = (...args: string[]) => run(["npm", "run", "--silent", "escrow", "--", "--name", world.name, ...args]);
const up = async () => {
  const { pulumi, env } = await cli();
  const options = ["--stack", world.stack, "--config-file", settings, "--non-interactive", "--color=never"];
  return run([pulumi, "up", "--yes", "--skip-preview", ...options], { env });
};
const identifier = async () => sql(await primary(), "SELECT system_identifier FROM pg_control_system()", "postgres");

let uri = "";
let caCertificate = "";
let lost = 0;
let began = 0;
let cluster = "";

/** Everything of the stack but the store of the surviving repository: containers, volumes, what is on the host, state. */
async function loseTheSite(): Promise<void> {
  const { stdout } = await incus("list", "-f", "csv", "-c", "n");
  const gone = stdout.split("\n").filter((name) => name && name !== host && name !== survivor.store);
  await Promise.all(gone.map((name) => incus("delete", "--force", name)));
  lost = Date.now();
  const volumes = JSON.parse((await incus("storage", "volume", "list", world.pool, "-f", "json")).stdout) as {
    name: string;
    type: string;
  }[];
  for (const { name, type } of volumes)
    if (type === "custom" && name !== `${survivor.store}-data`)
      await incus("storage", "volume", "delete", world.pool, name);
  await must(
    host,
    `systemctl stop 'pgbackrest-drill*' 'restorable-*' 2>/dev/null || true
rm -rf /etc/restorable /var/lib/restorable /usr/local/lib/restorable /usr/local/bin/dr-drill.sh /etc/systemd/system/pgbackrest-* \\
  /etc/systemd/system/restorable-* /var/lib/node_exporter/textfile_collector/*
systemctl daemon-reload`,
  );
  renameSync(state, before);
}

/** A stack without any state, as it is on a new machine. */
async function newStack(): Promise<void> {
  const { pulumi, env } = await cli();
  const scratch = join(world.directory, "rebuild-init");
  await run(["mkdir", "-p", state, scratch]);
  copyFileSync(join(root, "Pulumi.yaml"), join(scratch, "Pulumi.yaml"));
  const init = await run([pulumi, "stack", "init", world.stack, "--non-interactive", "--cwd", scratch], { env });
  expect(init.code, init.output).toBe(0);
  rmSync(scratch, { recursive: true });
}

/** The lab as it was found: its own state, with the generated secrets, adopts what stands. */
async function adopt(): Promise<void> {
  rmSync(state, { recursive: true, force: true });
  renameSync(before, state);
  const { code, output } = await runLab("up", ["--no-drill"]);
  expect(code, output).toBe(0);
}

describe("a site that is lost", () => {
  beforeAll(async () => {
    const outputs = JSON.parse((await runLab("outputs", ["--show-secrets"])).stdout) as Record<string, string>;
    uri = outputs.formationUri ?? "";
    caCertificate = outputs.caCertificate ?? "";
    await waitFor("the formation takes writes", 120, async () => {
      cluster = await identifier();
      return cluster !== "";
    });
  });

  afterAll(async () => {
    if (existsSync(before)) await adopt();
    for (const path of [file, settings]) rmSync(path, { force: true });
    // The newest backups counted the rows of a table that is gone: a drill that compares would miss it.
    await must(await primary(), "systemctl start pgbackrest-diff.service pgbackrest-diff-repo2.service");
  });

  it("X6 an escrow is one encrypted file, shown without a secret value", { timeout: 600_000 }, async () => {
    const recipient = await identityToRecipient(readFileSync(identity, "utf8").trim());
    const made = await escrow("--recipient", recipient, "--out", file);
    expect(made.code, made.output).toBe(0);
    expect(readFileSync(file).subarray(0, 21).toString()).toBe("age-encryption.org/v1");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const shown = await escrow("--show", file, "--identity", identity);
    expect(shown.stdout).toMatch(/^ {4}repo1CipherPass$/m);
    expect(shown.stdout).toContain("authority     key");
    const [, password = "?"] = /:([^:@]+)@/.exec(uri.replace("postgres://", "")) ?? [];
    for (const text of [made.output, shown.output]) expect(text).not.toContain(decodeURIComponent(password));
    expect(await must(host, "cat /var/lib/node_exporter/textfile_collector/restorable_escrow.prom")).toMatch(
      /^restorable_escrow_timestamp_seconds [1-9]\d+$/m,
    );
  });

  it("X6 the escrow alone is enough for a drill, and leaves nothing on the host", { timeout: 600_000 }, async () => {
    const metrics = await must(
      host,
      "cat /var/lib/node_exporter/textfile_collector/*_backup_drill_* 2>/dev/null || true",
    );
    await must(host, "mv /etc/restorable/drill /etc/restorable/drill.away");
    const args = ["--drill", file, "--identity", identity, "--repository", String(survivor.repository)];
    const { code, output } = await escrow(...args).finally(() =>
      must(host, "mv /etc/restorable/drill.away /etc/restorable/drill"),
    );
    expect(code, output).toBe(0);
    expect(output).toContain(`is enough to restore repository ${survivor.repository}`);
    expect(await must(host, "ls -d /run/restorable-escrow* 2>/dev/null || true")).toBe("");
    expect(await must(host, "cat /var/lib/node_exporter/textfile_collector/*_backup_drill_* 2>/dev/null || true")).toBe(
      metrics,
    );
  });

  it("X6 comes back with one update from the bucket, the escrow and an empty host", {
    timeout: 1_200_000,
  }, async () => {
    const node = await primary();
    await sql(
      node,
      "CREATE TABLE rebuild (n bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT clock_timestamp())",
    );
    await must(
      node,
      "systemd-run -q --unit=rebuild-writer --uid=postgres sh -c 'while :; do psql -Xq -d app -c \"INSERT INTO rebuild DEFAULT VALUES\"; sleep 0.2; done'",
    );
    const segment = await sql(node, "SELECT pg_walfile_name(pg_switch_wal())");
    await waitFor(
      "WAL reaches the repository",
      120,
      async () => (await sql(node, `SELECT last_archived_wal >= '${segment}' FROM pg_stat_archiver`)) === "t",
    );
    await loseTheSite();

    await newStack();
    const restored = await escrow(
      ...["--restore", file, "--identity", identity, "--config-file", settings],
      ...["--repository", String(survivor.repository)],
    );
    expect(restored.code, restored.output).toBe(0);
    expect(readFileSync(settings, "utf8")).toMatch(/restorable:repo1CipherPass:\n {4}secure: /);
    began = Date.now();
    const { code, output } = await up();
    expect(code, output).toBe(0);
    const seconds = (Date.now() - began) / 1000;

    const now = await primary();
    expect(await identifier()).toBe(cluster);
    const newest = Number(await sql(now, "SELECT extract(epoch FROM max(at)) FROM rebuild"));
    const loss = lost / 1000 - newest;
    console.log(`rebuild: ${seconds.toFixed(0)} s for one update; ${loss.toFixed(1)} s of data lost`);
    expect(loss).toBeLessThan(120);
    expect(await sql(now, "SELECT count(*) = max(n) FROM rebuild")).toBe("t");
    expect(await sql(now, "SELECT count(*) FROM users")).toBe("1000");
    const psql = `umask 077; cat >/tmp/rebuild-ca.crt; psql -XqAt -d "$(cat /tmp/rebuild-uri)&sslrootcert=/tmp/rebuild-ca.crt" -c 'SELECT current_user'; rm -f /tmp/rebuild-*`;
    await must("pgaf-monitor", "umask 077; cat >/tmp/rebuild-uri", uri);
    expect(await must("pgaf-monitor", psql, caCertificate)).toBe("app");
  });

  it("X6 a second update changes nothing", async () => {
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect(output).toMatch(/^ +\d+ unchanged$/m);
    expect(output).not.toMatch(/created|updated|deleted|replaced/);
  });

  it("X6 a full backup of the new life is taken by itself, and drills pass", { timeout: 600_000 }, async () => {
    const node = await primary();
    await waitFor("a full backup in every repository", 240, async () => {
      const info = JSON.parse(await must(node, "cd /; runuser -u postgres -- pgbackrest --output=json info")) as {
        repo: { key: number }[];
        backup: { type: string; timestamp: { start: number }; database: { "repo-key": number } }[];
      }[];
      const [{ repo, backup } = { repo: [], backup: [] }] = info;
      const fresh = backup.filter(({ type, timestamp }) => type === "full" && timestamp.start * 1000 > began);
      return repo.every(({ key }) => fresh.some(({ database }) => database["repo-key"] === key));
    });
    const { code, output } = await inside(host, "/usr/local/bin/dr-drill.sh");
    expect(code, output).toBe(0);
    await sql(await primary(), "DROP TABLE rebuild");
  });

  it("X6 an older state of the stack adopts what stands, and no server gets a certificate of another key", async () => {
    await adopt();
    for (const name of ["pgaf-monitor", "pgaf-primary", "pgaf-replica", "object-store", "offsite-store"]) {
      const [certificate, key] = (
        await must(
          name,
          "cd /etc/restorable/tls; openssl x509 -in server.crt -noout -pubkey | sha256sum; openssl pkey -in server.key -pubout | sha256sum",
        )
      ).split("\n");
      expect(certificate, name).toBe(key);
    }
  });
});
