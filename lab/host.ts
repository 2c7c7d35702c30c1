import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabHost } from "./hosts.js";
import { exists, inContainer, incus } from "./incus.js";
import { sshKeyPair } from "./sshKeyPair.js";
import type { World } from "./world.js";

const script = `set -eu
export DEBIAN_FRONTEND=noninteractive
if ! dpkg-query -W openssh-server incus-client prometheus-node-exporter jq >/dev/null 2>&1; then
  apt-get -qq -o Acquire::Retries=3 update
  apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io install -y --no-install-recommends openssh-server incus-client prometheus-node-exporter jq >/dev/null
fi
mkdir -p /root/.ssh /var/lib/node_exporter/textfile_collector /etc/ssh/sshd_config.d
chmod 0700 /root/.ssh
printf 'MaxStartups 100:30:200\\nMaxSessions 100\\nPasswordAuthentication no\\nPermitRootLogin prohibit-password\\nUseDNS no\\n' >/etc/ssh/sshd_config.d/restorable.conf
exporter='ARGS="--collector.textfile.directory=/var/lib/node_exporter/textfile_collector --web.listen-address=:9100"'
if [ "$(cat /etc/default/prometheus-node-exporter 2>/dev/null)" != "$exporter" ]; then
  printf '%s\\n' "$exporter" >/etc/default/prometheus-node-exporter
  systemctl restart prometheus-node-exporter
fi
systemctl -q enable ssh
systemctl restart ssh
`;

/** SSH keys: the operator's and one host's, made once, private ones readable by their owner only. */
export function sshKeys(world: World, labHost: LabHost): { hostKey: string; hostPrivate: string; userPublic: string } {
  const directory = join(world.directory, "ssh");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pair = (name: string, comment: string) => {
    const path = join(directory, name);
    if (!existsSync(`${path}.pub`)) {
      const keys = sshKeyPair(comment);
      writeFileSync(path, keys.private, { mode: 0o600 });
      writeFileSync(`${path}.pub`, `${keys.public}\n`, { mode: 0o644 });
    }
    return { secret: readFileSync(path, "utf8"), open: readFileSync(`${path}.pub`, "utf8") };
  };
  const user = pair("id_ed25519", `restorable-${world.name}`);
  const host = pair(labHost.keyFile, labHost.name);
  return { hostKey: host.open, hostPrivate: host.secret, userPublic: user.open };
}

/** The containers that play Incus hosts. */
export async function makeHosts(world: World): Promise<string> {
  const done = await Promise.all(world.hosts.map((host) => makeHost(world, host)));
  return [...new Set(done)].join("; ");
}

/** A container that plays an Incus host: systemd, ssh, the Incus client on the machine's own daemon. */
async function makeHost(world: World, host: LabHost): Promise<string> {
  const { name, address, incusProject } = host;
  const keys = sshKeys(world, host);
  const fresh = !(await exists(incusProject, "instance", name));
  if (fresh) {
    await incus(incusProject, [
      "init",
      world.image,
      name,
      "--no-profiles",
      "--storage",
      world.pool,
      "-c",
      "limits.memory=512MiB",
    ]);
  }
  const devices = (await incus(incusProject, ["config", "device", "list", name])).split("\n");
  if (!devices.includes("eth0"))
    await incus(incusProject, [
      "config",
      "device",
      "add",
      name,
      "eth0",
      "nic",
      `network=${world.bridge}`,
      "name=eth0",
      `ipv4.address=${address}`,
    ]);
  if ((await incus(incusProject, ["list", `^${name}$`, "-f", "csv", "-c", "s"])) !== "RUNNING")
    await incus(incusProject, ["start", name]);
  await inContainer(
    world,
    name,
    `for i in $(seq 120); do ip -4 -o addr show dev eth0 | grep -qw ${address} && systemctl is-system-running | grep -Eq 'running|degraded' && exit 0; sleep 0.25; done; echo 'no address after 30 s' >&2; exit 1`,
  );
  // The socket's folder lies on the container's own disk: it has to be there before the proxy listens in it.
  await inContainer(world, name, "mkdir -p /var/lib/incus");
  if (!devices.includes("incus-socket"))
    await incus(incusProject, [
      "config",
      "device",
      "add",
      name,
      "incus-socket",
      "proxy",
      "connect=unix:/var/lib/incus/unix.socket",
      "listen=unix:/var/lib/incus/unix.socket",
      "bind=instance",
      "mode=0600",
    ]);
  const stand = (
    await inContainer(
      world,
      name,
      "cat /root/.ssh/authorized_keys /etc/ssh/ssh_host_ed25519_key.pub 2>/dev/null; systemctl is-active ssh prometheus-node-exporter 2>/dev/null; true",
    )
  ).trim();
  if (stand === `${keys.userPublic.trim()}\n${keys.hostKey.trim()}\nactive\nactive`) return "as it was";
  await inContainer(world, name, script);
  const put = (path: string, mode: string, text: string) =>
    incus(incusProject, ["file", "push", "-", `${name}${path}`, `--mode=${mode}`, "--uid=0", "--gid=0"], {
      input: text,
    });
  await put("/root/.ssh/authorized_keys", "0600", keys.userPublic);
  await put("/etc/ssh/ssh_host_ed25519_key", "0600", keys.hostPrivate);
  await put("/etc/ssh/ssh_host_ed25519_key.pub", "0644", keys.hostKey);
  await inContainer(
    world,
    name,
    "rm -f /etc/ssh/ssh_host_rsa_key* /etc/ssh/ssh_host_ecdsa_key*; systemctl restart ssh",
  );
  return `${fresh ? "made" : "mended"}: ${name}, ${address}`;
}
