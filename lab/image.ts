import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exists, incus } from "./incus.js";
import { debianSource } from "./machine.js";
import { asRoot, shell } from "./shell.js";
import type { Postgres, World } from "./world.js";

type Release = Postgres["release"];

const packages = "udev,systemd,systemd-sysv,dbus,systemd-resolved,iproute2,ca-certificates,openssl,curl";
const network = "[Match]\\nName=eth0\\n[Network]\\nDHCP=ipv4\\n[DHCPv4]\\nUseHostname=no\\n";
const hooks = [
  `printf '${network}' >"$1/etc/systemd/network/eth0.network"`,
  'chroot "$1" systemctl -q enable systemd-networkd systemd-resolved',
  'chroot "$1" systemctl -q disable apt-daily.timer apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer || true',
  // An empty machine-id is filled at the first start: each container gets its own.
  ': >"$1/etc/machine-id"; rm -f "$1/etc/hostname" "$1/etc/resolv.conf"; ln -s ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"',
];

/**
 * Imports what the lab's containers are made from, for each host: the host's image and, where it is another, that of
 * Postgres.
 */
export async function baseImages(world: World, note: (line: string) => void): Promise<string> {
  const { image, postgres, hosts } = world;
  const releases = new Map<string, Release>([
    [image, "trixie"],
    [postgres.image, postgres.release],
  ]);
  const done: string[] = [];
  for (const [alias, release] of releases)
    for (const { incusProject } of hosts) done.push(await baseImage(world, incusProject, release, alias, note));
  return [...new Set(done)].join("; ");
}

/** Builds a base image's root file system once per machine, then imports it under this alias. */
async function baseImage(
  world: World,
  project: string,
  release: Release,
  alias: string,
  note: (line: string) => void,
): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([release, packages, hooks]))
    .digest("hex")
    .slice(0, 12);
  if (await exists(project, "image", alias)) return "there";
  mkdirSync(world.cache, { recursive: true });
  const rootfs = join(world.cache, `base-${release}-${key}.tar`);
  if (!existsSync(rootfs)) {
    note(`building Debian ${release}`);
    for (const old of readdirSync(world.cache)) if (old.startsWith(`base-${release}-`)) rmSync(join(world.cache, old));
    const building = join(world.cache, `base-${release}-${process.pid}.building.tar`);
    await asRoot([
      "mmdebstrap",
      "--quiet",
      "--variant=minbase",
      `--include=${packages}`,
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      release,
      building,
      debianSource().uri,
    ]);
    renameSync(building, rootfs);
  }
  const metadata = join(world.cache, `metadata-${process.pid}`);
  mkdirSync(metadata, { recursive: true });
  const yaml = `architecture: ${process.arch === "arm64" ? "aarch64" : "x86_64"}\ncreation_date: ${Math.floor(Date.now() / 1000)}\nproperties:\n  os: Debian\n  release: ${release}\n  description: restorable base image\n`;
  writeFileSync(join(metadata, "metadata.yaml"), yaml);
  try {
    await shell(["tar", "-C", metadata, "-cf", join(metadata, "metadata.tar"), "metadata.yaml"]);
    await incus(project, ["image", "import", join(metadata, "metadata.tar"), rootfs, "--alias", alias]);
  } finally {
    rmSync(metadata, { recursive: true, force: true });
  }
  return `imported (Debian ${release})`;
}
