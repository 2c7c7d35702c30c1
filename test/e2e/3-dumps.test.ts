import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerHost, makeDockerHost, removeDockerHost } from "./dockerHost.js";
import { type Change, inside, metric, metricsDirectory, must, pulumi, touched, up, waitFor, world } from "./lab.js";

const { name, address } = dockerHost;
const bucket = `${world.incusProject}-offsite`;
const root = "/mnt/backups";
const scripts = { postgres: "/opt/postgres_dump", gitea: "/opt/gitea_dump" };
type Kind = keyof typeof scripts;

let hostKey = "";
/** The lab's settings with the dumps of the Docker host. */
const dumps =
  (more: Record<string, unknown> = {}, postgres: Record<string, unknown> = {}): Change =>
  (config) => {
    config["restorable:dumps"] = {
      hosts: [{ name, address, hostKey }],
      jobs: [
        { kind: "postgres", host: name, ...postgres },
        { kind: "gitea", host: name },
      ],
      ...more,
    };
  };

beforeAll(async () => {
  hostKey = await makeDockerHost();
});
afterAll(async () => {
  if (!process.env.RESTORABLE_E2E_REUSE) await removeDockerHost();
});

const psql = (statement: string, database = "postgres") =>
  must(name, `docker exec -i postgres psql -XqAt -v ON_ERROR_STOP=1 -d ${database}`, statement);
const backup = (kind: Kind, words = "") => inside(name, `${scripts[kind]}/backup.sh ${words}`);
const restore = (kind: Kind, words = "--yes") => inside(name, `${scripts[kind]}/restore.sh ${words}`);
const newest = (kind: Kind) => must(name, `ls ${root}/${kind}/backup_* | tail -n 1`);
const figures = (kind: Kind) => must(name, `cat ${metricsDirectory}/veza_dump_${kind}.prom`);
const orders = () => psql("SELECT md5(string_agg(o::text, E'\\n' ORDER BY id)) FROM orders o", "shop");
const api = (method: string, path: string, body?: object) =>
  must(
    name,
    `curl -sS --fail-with-body -u ada:ada-of-the-tests -X ${method} -H 'Content-Type: application/json' ${body ? `-d '${JSON.stringify(body)}'` : ""} http://127.0.0.1:3000/api/v1${path}`,
  );
/** Runs git in Gitea's container, against Gitea's own web server. */
const git = (script: string) =>
  must(name, "docker exec -i -u git gitea bash -euo pipefail", `export HOME=/tmp; cd /tmp\n${script}`);
/** Gitea is there, and its database. */
const answers = () =>
  waitFor(
    "Gitea",
    120,
    async () => (await inside(name, "curl -fsS -o /dev/null http://127.0.0.1:3000/api/healthz")).code === 0,
  );
const repository = "http://ada:ada-of-the-tests@127.0.0.1:3000/ada/one.git";

describe("provisioning", () => {
  it("F5 a container's name that is wrong fails the update: where, why, and what runs; nothing is put there", async () => {
    const { code, output } = await up(dumps({}, { container: "postgress" }));
    expect(code, output).not.toBe(0);
    expect(output).toContain(`the dump of postgres does not work on host ${name}`);
    expect(output).toContain("no container postgress runs on this host; what runs: gitea postgres");
    expect((await inside(name, `ls /etc/cron.d/restorable-dump-postgres ${scripts.postgres}`)).code).not.toBe(0);
  });

  it("F1 F5 puts the scripts, tries each dump with its output discarded, and does so once", async () => {
    const { code, output } = await up(dumps());
    expect(code, output).toBe(0);
    expect(await must(name, `find ${root} -type f`)).toBe("");
    for (const [kind, folder] of Object.entries(scripts)) {
      expect(await must(name, `stat -c '%a %U' ${folder}/backup.sh ${folder}/restore.sh ${folder}/dump.env`)).toBe(
        "700 root\n700 root\n600 root",
      );
      expect(await must(name, `cat /etc/cron.d/restorable-dump-${kind}`)).toContain(
        `\n0 4 * * * root ${folder}/backup.sh `,
      );
    }
    const again = await pulumi(["preview", "--expect-no-changes"], dumps());
    expect(again.code, again.output).toBe(0);
  });
});

describe("dumps", () => {
  beforeAll(async () => {
    // Of a run before, with a lab that is used again.
    await api("DELETE", "/repos/ada/one").catch(() => "");
    await api("POST", "/user/repos", { name: "one", auto_init: true, default_branch: "main" });
    await git(`rm -rf first; git clone -q ${repository} first; cd first
git config user.email ada@lab.invalid; git config user.name ada
head -c 100000 /dev/urandom | base64 >file; git add file; git commit -qm first; git push -q`);
  });

  it("F2 F3 by the very line of cron: whole, 0600, in the metrics and the journal", async () => {
    for (const kind of ["postgres", "gitea"] as const) {
      const line = await must(name, `sed -n 's/^0 4 \\* \\* \\* root //p' /etc/cron.d/restorable-dump-${kind}`);
      await must(name, line);
      expect(await must(name, `stat -c '%a %U' ${await newest(kind)}`)).toBe("600 root");
      const text = await figures(kind);
      const labels = `kind="${kind}",host="${name}"`;
      expect(metric(text, "dump_failed", labels), text).toBe(0);
      expect(metric(text, "dump_size_bytes", labels)).toBe(
        Number(await must(name, `stat -c %s ${await newest(kind)}`)),
      );
      expect(metric(text, "dump_last_success_timestamp_seconds", labels)).toBeGreaterThan(0);
    }
    expect(await must(name, `gzip -dc ${await newest("postgres")} | grep -c '^CREATE DATABASE'`)).toBe("2");
    expect(await must(name, `tar -tzf ${await newest("gitea")}`)).toContain("repos/ada/one.git/HEAD");
  });

  it("F6 a stopped container, a full disk: yesterday's file stays as it was, and Prometheus says so", async () => {
    const file = await newest("postgres");
    const yesterday = (await must(name, `date -d yesterday +${root}/postgres/backup_%Y%m%d.sql.gz`)).trim();
    await must(name, `mv ${file} ${yesterday}`);
    const before = await must(name, `sha256sum ${yesterday}`);
    const success = metric(await figures("postgres"), "dump_last_success_timestamp_seconds");
    await must(name, "docker stop postgres");
    const stopped = await backup("postgres");
    await must(
      name,
      "docker start postgres; for i in $(seq 120); do docker exec postgres pg_isready -q && break; sleep 0.5; done",
    );
    expect(stopped.code, stopped.output).toBe(1);
    expect(stopped.output).toContain("no container postgres runs on this host; what runs: gitea");
    expect(await must(name, `ls -A ${root}/postgres; sha256sum ${yesterday}`)).toBe(
      `${yesterday.split("/").at(-1)}\n${before}`,
    );
    const text = await figures("postgres");
    expect(metric(text, "dump_failed"), text).toBe(1);
    expect(metric(text, "dump_last_success_timestamp_seconds")).toBe(success);
    await waitFor("the failed dump in Prometheus", 60, async () => {
      const query = `query=veza_dump_failed{kind="postgres",host="${name}",role="dump"} == 1`;
      const url = `http://${world.subnet}.30:9090/api/v1/query`;
      const { stdout } = await inside("monitoring", `curl -fsSG --data-urlencode '${query}' ${url}`);
      return stdout.includes('"kind":"postgres"');
    });
    // A volume of its own that is too small for the dump.
    await must(
      name,
      `mkdir -p /mnt/tiny /mnt/tiny-metrics && mount -t tmpfs -o size=16k tmpfs /mnt/tiny && mkdir /mnt/tiny/postgres
cp ${yesterday} /mnt/tiny/postgres/ 2>/dev/null || echo old >/mnt/tiny/postgres/${yesterday.split("/").at(-1)}
sed -e "s:^ROOT=.*:ROOT=/mnt/tiny:" -e "s:^METRICS_DIRECTORY=.*:METRICS_DIRECTORY=/mnt/tiny-metrics:" ${scripts.postgres}/dump.env >/root/tiny.env`,
    );
    const listed = await must(name, "ls -lA --full-time /mnt/tiny/postgres");
    const full = await inside(name, `RESTORABLE_DUMP_ENV=/root/tiny.env ${scripts.postgres}/backup.sh`);
    const left = await must(name, "ls -lA --full-time /mnt/tiny/postgres");
    await must(name, "umount /mnt/tiny; rm -r /mnt/tiny /mnt/tiny-metrics /root/tiny.env");
    expect(full.code, full.output).toBe(1);
    expect(full.output).toContain("No space left on device");
    expect(left).toBe(listed);
  });

  it("F1 the volume is gone: refused, and the folder in its place stays empty", async () => {
    // What a volume that was not mounted leaves: its folder, on the root disk.
    const gone = "/mnt/gone";
    await must(name, `mkdir -p ${gone}; sed "s:^ROOT=.*:ROOT=${gone}:" ${scripts.postgres}/dump.env >/root/gone.env`);
    const before = await figures("postgres");
    const { code, output } = await inside(name, `RESTORABLE_DUMP_ENV=/root/gone.env ${scripts.postgres}/backup.sh`);
    const left = await must(name, `find ${gone}; rm -r ${gone} /root/gone.env`);
    expect(metric(await figures("postgres"), "dump_failed")).toBe(1);
    expect(metric(await figures("postgres"), "dump_last_success_timestamp_seconds")).toBe(
      metric(before, "dump_last_success_timestamp_seconds"),
    );
    expect(code, output).toBe(1);
    expect(output).toContain(`${gone} is not mounted: refused`);
    expect(left).toBe(gone);
  });
});

describe("restores", () => {
  let head = "";
  beforeAll(async () => {
    await answers();
    for (const kind of ["postgres", "gitea"] as const) {
      const { code, output } = await backup(kind);
      expect(code, output).toBe(0);
    }
    head = await git("cd first; git rev-parse HEAD");
  });

  it("F2 Postgres: a database that was dropped, and one that lost its rows, as they were; roles and passwords too", async () => {
    const before = await orders();
    const roles = await psql(
      "SELECT md5(string_agg(rolname || coalesce(rolpassword, ''), ',' ORDER BY rolname)) FROM pg_authid",
    );
    await psql("DROP TABLE orders", "shop");
    await psql("ALTER ROLE shop PASSWORD 'another'");
    const asked = await restore("postgres", "");
    expect(asked.code, asked.output).toBe(3);
    expect(asked.output).toContain("not empty: gitea shop will be renamed to NAME_before_");
    const { code, output } = await restore("postgres");
    expect(code, output).toBe(0);
    expect(await orders()).toBe(before);
    expect(
      await psql("SELECT md5(string_agg(rolname || coalesce(rolpassword, ''), ',' ORDER BY rolname)) FROM pg_authid"),
    ).toBe(roles);
    // What was there is there, under another name.
    const aside = await psql("SELECT datname FROM pg_database WHERE datname LIKE '%_before_%' ORDER BY 1");
    expect(aside.split("\n")).toHaveLength(2);
    for (const database of aside.split("\n")) await psql(`DROP DATABASE "${database}" WITH (FORCE)`);
    await psql("DROP DATABASE shop WITH (FORCE)");
    const again = await restore("postgres");
    expect(again.code, again.output).toBe(0);
    expect(await orders()).toBe(before);
  });

  it("F3 Gitea: a repository that was deleted, with its database from the dump of Postgres; a clone is equal, a push goes", async () => {
    await api("DELETE", "/repos/ada/one");
    expect((await inside(name, "ls /srv/gitea/git/repositories/ada/one.git")).code).not.toBe(0);
    const database = await restore("postgres");
    expect(database.code, database.output).toBe(0);
    const { code, output } = await restore("gitea");
    expect(code, output).toBe(0);
    expect(output).toContain("it comes from the dump of postgres");
    await answers();
    expect(
      await git(`rm -rf again; git clone -q ${repository} again; cd again; git rev-parse HEAD; cmp file ../first/file`),
    ).toBe(head);
    // A push through hooks: Gitea hears of it by them.
    const pushed = await git(
      "cd again; git config user.email ada@lab.invalid; git config user.name ada; echo two >two; git add two; git commit -qm second; git push -q; git rev-parse HEAD",
    );
    expect((JSON.parse(await api("GET", "/repos/ada/one/branches/main")) as { commit: { id: string } }).commit.id).toBe(
      pushed,
    );
    expect(
      await must(
        name,
        "stat -c '%U:%G' /srv/gitea/git/repositories/ada/one.git 2>/dev/null; docker exec gitea stat -c '%U:%G' /data/git/repositories/ada/one.git /data/gitea/conf/app.ini",
      ),
    ).toContain("git:git\ngit:git");
    expect(await must(name, "ls /srv/gitea/git/repositories/ada/one.git/hooks/post-receive.d/gitea")).toContain(
      "gitea",
    );
  });
});

describe("another schedule, and a copy off site", () => {
  it("a systemd timer in the place of cron; the copy is sealed, encrypted, and what was dumped", async () => {
    const change = dumps({ scheduler: "timer", upload: true });
    const { code, output } = await up(change);
    expect(code, output).toBe(0);
    expect((await inside(name, "ls /etc/cron.d/restorable-dump-*")).code).not.toBe(0);
    expect(await must(name, "systemctl is-active restorable-dump-postgres.timer restorable-dump-gitea.timer")).toBe(
      "active\nactive",
    );
    await must(name, "systemctl start restorable-dump-postgres.service");
    const store = `${bucket}/dumps/${name}/postgres`;
    const objects = await must("offsite-store", `ls /var/lib/object-store/data/${store}`);
    const [dump = "", seal = ""] = objects.split("\n");
    expect(seal).toBe(`${dump}.sha256`);
    expect(metric(await figures("postgres"), "dump_upload_last_success_timestamp_seconds")).toBeGreaterThan(0);
    expect((await inside(name, "grep -rl AGE-SECRET-KEY /etc /opt /var/lib/restorable")).stdout).toBe("");
    expect(await must(name, `stat -c %a ${scripts.postgres}/rclone.conf`)).toBe("600");
    const sum = await must(name, `sha256sum <${await newest("postgres")}`);
    // As docs/dumps.md has it: with the reader's key and the identity of the drill host, wherever age and rclone are.
    for (const file of ["rclone.conf", "identity", "store-ca.crt"])
      await must(
        "pgaf-primary",
        `umask 077; mkdir -p /root/fetch; cat >/root/fetch/${file}`,
        await must(world.host.name, `cat /etc/restorable/exports/${file}`).then((text) => `${text}\n`),
      );
    const fetched = await must(
      "pgaf-primary",
      `cd /root/fetch && rclone --config rclone.conf --ca-cert store-ca.crt copy exports:${store} . && sha256sum --check --strict --quiet ${seal} && age -d -i identity ${dump} | sha256sum; cd /; rm -r /root/fetch`,
    );
    expect(fetched).toBe(sum);
  });

  it("without dumps in the settings nothing of the stack is left there, but the dumps are", async () => {
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect(touched(output)).toContain(`${name}-dump-postgres-step`);
    expect(
      await must(
        name,
        `find /etc /opt /usr/local /var/lib ${metricsDirectory} -path /opt/gitea-program -prune -o -path /var/lib/docker -prune -o -path /var/lib/containerd -prune -o \\( -name '*restorable*' -o -name '*_dump*' \\) -newer /root/.ssh -print | grep -v sshd_config.d || true`,
      ),
    ).toBe("");
    expect(await newest("postgres")).toContain("backup_");
  });
});
