import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { debianSource } from "../../lab/machine.js";
import { asRoot } from "../../lab/shell.js";
import { giteaFolder } from "./gitea.js";
import { incus, inside, must, waitFor, world } from "./lab.js";

/** A container in the lab's network that plays a host with Docker: a Postgres and a Gitea run in it. */
export const dockerHost = { name: "docker-host", address: `${world.subnet}.60` };
const volume = `${dockerHost.name}-backups`;

const packages = "postgresql-17,git,ca-certificates,gettext-base";

/** What both Docker containers run on; the registry that one would fetch images from is not needed. */
async function rootfs(): Promise<string> {
  const file = join(
    world.cache,
    `docker-rootfs-${createHash("sha256").update(packages).digest("hex").slice(0, 12)}.tar`,
  );
  if (existsSync(file)) return file;
  mkdirSync(world.cache, { recursive: true });
  const building = `${file.replace(/\.tar$/, "")}-${process.pid}.building.tar`;
  // No cluster of its own: the container makes one in its volume.
  const noCluster =
    'mkdir -p "$1/etc/postgresql-common" && echo create_main_cluster=false >"$1/etc/postgresql-common/createcluster.conf"';
  const users =
    'chroot "$1" useradd --uid 1000 --home-dir /data/git --no-create-home --shell /bin/bash git; install -d -o postgres -g postgres "$1/run/postgresql"';
  await asRoot([
    "nice",
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    `--include=${packages}`,
    `--essential-hook=${noCluster}`,
    `--customize-hook=${users}`,
    "trixie",
    building,
    debianSource().uri,
  ]);
  renameSync(building, file);
  return file;
}

const provision = `set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o Acquire::Retries=3 update
apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends openssh-server docker.io docker-cli iptables cron jq age rclone prometheus-node-exporter >/dev/null
install -d -m 0700 /root/.ssh
install -d /var/lib/node_exporter/textfile_collector
echo 'ARGS="--collector.textfile.directory=/var/lib/node_exporter/textfile_collector --web.listen-address=:9100"' >/etc/default/prometheus-node-exporter
systemctl restart prometheus-node-exporter
printf 'MaxStartups 100:30:200\\nMaxSessions 100\\nUseDNS no\\n' >/etc/ssh/sshd_config.d/restorable.conf
systemctl restart ssh
`;

/** One image for both: what tells them apart is said when they are made. */
const image = `docker import -c 'ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin' -c 'ENV PGDATA=/var/lib/postgresql/data' -c 'USER postgres' -c 'WORKDIR /' \\
  -c 'CMD ["bash", "-c", "[ -s $PGDATA/PG_VERSION ] || { initdb -A trust && echo \\"host all all all scram-sha-256\\" >>$PGDATA/pg_hba.conf; }; exec postgres -c listen_addresses=*"]' - estate:test`;

/** Gitea as its official image sets it up: settings, data and repositories under /data. */
const appIni = `RUN_MODE = prod
[repository]
ROOT = /data/git/repositories
[server]
APP_DATA_PATH = /data/gitea
STATIC_ROOT_PATH = /app/gitea
HTTP_PORT = 3000
DISABLE_SSH = true
LFS_START_SERVER = true
LFS_JWT_SECRET = bGZzLXNlY3JldC1vZi10aGUtdGVzdHMtb25seS0xMjM
[lfs]
PATH = /data/git/lfs
[database]
DB_TYPE = postgres
HOST = postgres:5432
NAME = gitea
USER = gitea
PASSWD = gitea-of-the-tests
[session]
PROVIDER_CONFIG = /data/gitea/sessions
[log]
ROOT_PATH = /data/gitea/log
[security]
INSTALL_LOCK = true
SECRET_KEY = of-the-tests-only
`;

/** Public SSH key of the host. */
const hostKey = () => must(dockerHost.name, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");

/**
 * Makes it from nothing: two minutes, without Gitea's build. With a lab that is used again, it is too.
 *
 * @returns its public SSH key
 */
export async function makeDockerHost(): Promise<string> {
  const { name, address } = dockerHost;
  if (process.env.RESTORABLE_E2E_REUSE && (await incus("info", name)).code === 0) return hostKey();
  await removeDockerHost();
  const [root, program] = await Promise.all([rootfs(), giteaFolder()]);
  const make = [
    [
      "init",
      world.image,
      name,
      "--no-profiles",
      "--storage",
      world.pool,
      "-c",
      "limits.memory=1GiB",
      "-c",
      "security.nesting=true",
    ],
    ["config", "device", "add", name, "eth0", "nic", `network=${world.bridge}`, "name=eth0", `ipv4.address=${address}`],
    ["storage", "volume", "create", world.pool, volume, "size=2GiB"],
    ["config", "device", "add", name, "backups", "disk", `pool=${world.pool}`, `source=${volume}`, "path=/mnt/backups"],
    ["start", name],
  ];
  for (const command of make) {
    const { code, output } = await incus(...command);
    if (code !== 0) throw new Error(`incus ${command.join(" ")}: ${output}`);
  }
  await waitFor(
    "the Docker host's address",
    60,
    async () =>
      (
        await inside(
          name,
          `ip -4 -o addr show dev eth0 | grep -qw ${address} && systemctl is-system-running | grep -Eq 'running|degraded'`,
        )
      ).code === 0,
  );
  await must(name, provision);
  await must(
    name,
    "cat >/root/.ssh/authorized_keys",
    readFileSync(join(world.directory, "ssh", "id_ed25519.pub"), "utf8"),
  );
  const into = `incus -q --project ${world.incusProject} exec ${name} --`;
  await must(name, "mkdir -p /opt/gitea-program; cat >/root/import.sh", image);
  await asRoot(["bash", "-c", `${into} bash /root/import.sh <${root}`]);
  await asRoot(["bash", "-c", `tar -C ${program} -cf - . | ${into} tar -C /opt/gitea-program --no-same-owner -xf -`]);
  await startEstate();
  return hostKey();
}

/** Postgres, with a shop's database, and Gitea on it. */
export async function startEstate(): Promise<void> {
  const { name } = dockerHost;
  await must(
    name,
    `set -eu
docker network create estate >/dev/null
cat >/opt/gitea-program/docker-gitea <<'SH'
#!/bin/sh
GITEA_WORK_DIR=\${GITEA_WORK_DIR:-/data/gitea} GITEA_CUSTOM=\${GITEA_CUSTOM:-/data/gitea} exec /app/gitea/gitea "$@"
SH
chmod 755 /opt/gitea-program/docker-gitea
install -d -m 0700 /srv/postgres
chown "$(docker run --rm estate:test id -u)" /srv/postgres
docker run -d --name postgres --network estate --shm-size 64m --tmpfs /run/postgresql:mode=1777 -v /srv/postgres:/var/lib/postgresql/data estate:test >/dev/null
for i in $(seq 120); do docker exec postgres pg_isready -q && break; sleep 0.5; done
docker exec -i postgres psql -qX -v ON_ERROR_STOP=1 <<'SQL'
CREATE ROLE gitea LOGIN PASSWORD 'gitea-of-the-tests';
CREATE DATABASE gitea OWNER gitea;
CREATE ROLE shop LOGIN PASSWORD 'shop-of-the-tests';
CREATE DATABASE shop OWNER shop;
\\c shop
CREATE TABLE orders AS SELECT n AS id, md5(n::text) AS text FROM generate_series(1, 20000) n;
ALTER TABLE orders OWNER TO shop;
SQL
install -d -o 1000 -g 1000 /srv/gitea /srv/gitea/git /srv/gitea/git/repositories /srv/gitea/gitea /srv/gitea/gitea/conf
`,
  );
  await must(name, "cat >/srv/gitea/gitea/conf/app.ini; chown 1000:1000 /srv/gitea/gitea/conf/app.ini", appIni);
  await must(
    name,
    `set -eu
docker run -d --name gitea --network estate --user git --workdir /data/git -e USER=git -e GITEA_CUSTOM=/data/gitea -v /srv/gitea:/data -v /opt/gitea-program:/app/gitea:ro \\
  -v /opt/gitea-program/docker-gitea:/usr/local/bin/gitea:ro -p 127.0.0.1:3000:3000 estate:test /usr/local/bin/gitea web >/dev/null
for i in $(seq 120); do curl -fsS -o /dev/null http://127.0.0.1:3000/api/healthz && break; sleep 0.5; done
curl -fsS -o /dev/null http://127.0.0.1:3000/api/healthz
docker exec -u git gitea gitea admin user create --username ada --password ada-of-the-tests --email ada@lab.invalid --admin --must-change-password=false`,
  );
}

/** Takes it away with all that is on it. */
export async function removeDockerHost(): Promise<void> {
  await incus("delete", "--force", dockerHost.name);
  await incus("storage", "volume", "delete", world.pool, volume);
}
