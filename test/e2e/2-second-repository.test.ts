import { afterAll, describe, expect, it } from "vitest";
import { inside, metric, must, primary, world } from "./lab.js";

const folder = "/run/restorable-second";
const offsiteStore = "offsite-store";

/** Labels of the backups in a repository, oldest first. */
async function backups(node: string, repository: number): Promise<string[]> {
  const text = await must(node, `cd /; runuser -u postgres -- pgbackrest --repo=${repository} --output=json info`);
  const [stanza] = JSON.parse(text) as { backup: { label: string }[] }[];
  return (stanza?.backup ?? []).map(({ label }) => label);
}

afterAll(async () => {
  await must(world.host.name, `rm -rf ${folder}`);
});

describe("P4 two repositories", () => {
  it("each has backups of its own, by its own units", async () => {
    const node = await primary();
    const before = await Promise.all([1, 2].map((repository) => backups(node, repository)));
    expect(before[1]?.some((label) => /^\d{8}-\d{6}F$/.test(label))).toBe(true);
    await must(node, "systemctl start pgbackrest-diff-repo2.service");
    const after = await Promise.all([1, 2].map((repository) => backups(node, repository)));
    expect(after[0]).toEqual(before[0]);
    expect(after[1]?.slice(0, -1)).toEqual(before[1]);
    expect(after[1]?.at(-1)).toMatch(/F_\d{8}-\d{6}D$/);
  });

  it("the data nodes have a key that writes, the drill host one that only reads, and another passphrase for each", async () => {
    const key = (name: string) => `sed -n 's/^${name}=//p'`;
    const secrets = "/etc/pgbackrest/conf.d/secrets.conf";
    const drilled = "/etc/restorable/drill/secrets.repo2.conf";
    const writer = await must("pgaf-primary", `${key("repo2-s3-key")} ${secrets}`);
    const reader = await must(world.host.name, `${key("repo2-s3-key")} ${drilled}`);
    expect(reader).not.toBe("");
    expect(reader).not.toBe(writer);
    const writerSecret = await must("pgaf-primary", `${key("repo2-s3-key-secret")} ${secrets}`);
    const places = "/etc/restorable /var/lib/restorable /usr/local/lib/restorable";
    for (const value of [writer, writerSecret])
      expect(await must(world.host.name, `grep -rlF -f - ${places} || true`, value)).toBe("");
    const [one, two] = await Promise.all(
      ["repo1-cipher-pass", "repo2-cipher-pass"].map((name) => must("pgaf-primary", `${key(name)} ${secrets}`)),
    );
    expect(one).not.toBe(two);
  });

  it("one that is dead hides no other: the drill of both passes the first, and says what it could not verify", async () => {
    const script = `set -eu; umask 077; d=${folder}; rm -rf $d; mkdir -p $d/metrics
{ cat /etc/restorable/drill.env; echo "METRICS_DIR=$d/metrics CHECK_IO_TIMEOUT_SECONDS=1"; } >$d/drill.env
/usr/local/bin/dr-drill.sh --config $d/drill.env`;
    await must(offsiteStore, "systemctl stop versitygw.service");
    try {
      const { code, output } = await inside(world.host.name, script);
      expect(code, output).toBe(2);
      expect(output).toMatch(/^drill of repo1, stanza main: PASS /m);
      expect(output).toMatch(/^drill of repo2, stanza main: UNVERIFIED \(store_unreachable\)/m);
      const text = (number: number) => must(world.host.name, `cat ${folder}/metrics/*_main_repo${number}.prom`);
      expect(metric(await text(1), "backup_drill_outcome", 'outcome="pass"')).toBe(1);
      expect(metric(await text(2), "backup_drill_outcome", 'outcome="unverified"')).toBe(1);
    } finally {
      await must(offsiteStore, "systemctl start versitygw.service");
    }
  });
});
