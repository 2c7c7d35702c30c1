import { existsSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startIncus } from "../../lab/machine.js";
import { containers, incus, must, pulumi, run, runLab, world } from "./lab.js";

const host = world.host.name;
const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];

/** Everything on the host whose name tells that it is ours. */
const ours = async (): Promise<string[]> =>
  (
    await must(
      host,
      "find / -xdev \\( -path /proc -o -path /sys -o -path /tmp \\) -prune -o \\( -iname '*restorable*' -o -iname '*pgbackrest*' -o -iname '*dr-drill*' -o -name 'veza_*' \\) -print",
    )
  )
    .split("\n")
    .filter(Boolean)
    .sort();

/** What the lab itself puts on the machine that plays the Incus host, before the stack comes. */
const labsOwn = ["/etc/ssh/sshd_config.d/restorable.conf", "/opt/restorable"];

describe("pulumi destroy", () => {
  it("is refused while the secrets are protected, and says how to go on; nothing is gone", async () => {
    const standing = await containers();
    // Refused by the preview: Pulumi itself looks at the protection only when it comes to the resource.
    const { code, output } = await pulumi(["destroy", "--yes"]);
    expect(code, output).not.toBe(0);
    expect(output).toMatch(/secrets-repo1CipherPass[\s\S]*protected[\s\S]*pulumi state unprotect/);
    expect(await containers()).toEqual(standing);
    expect(await ours()).toContain("/usr/local/bin/dr-drill.sh");
  });

  it("once they are not, takes everything off the host that the stack put there", async () => {
    const unprotected = await pulumi(["state", "unprotect", "--all", "--yes"]);
    expect(unprotected.code, unprotected.output).toBe(0);
    const { code, output } = await pulumi(["destroy", "--yes", "--skip-preview"]);
    expect(code, output).toBe(0);
    expect((await incus("list", "-f", "csv", "-c", "n")).stdout.trim()).toBe(host);
    const volumes = (await incus("storage", "volume", "list", world.pool, "-f", "csv", "-c", "tn")).stdout;
    expect(volumes).not.toContain("custom");
    expect((await incus("image", "alias", "list", "-f", "csv")).stdout.trim()).toMatch(/^restorable-base,[^\n]*$/);
    expect(await ours()).toEqual(labsOwn);
    expect(await must(host, "ls /run | grep -i -e restorable -e drill || true")).toBe("");
    expect(
      await must(host, "systemctl list-unit-files --no-legend --no-pager 'pgbackrest*' 'restorable*' || true"),
    ).toBe("");
    expect(await must(host, "systemctl --failed --no-legend --no-pager")).toBe("");
    expect(await must(host, "ls /etc/prometheus 2>/dev/null || true")).toBe("");
    expect(await must(host, "ls -A /var/lib/node_exporter/textfile_collector")).toBe("");
    expect(await must(host, "getent passwd postgres pgbackrest || true")).toBe("");
  });
});

describe("npm run lab:down", () => {
  const bystander = `bystander-${world.name}`;
  /** Names of what Incus has on this machine, by kind. Its daemon goes with the last lab that started it. */
  const machine = async () => {
    await startIncus();
    const kinds = { project: ["project", "list"], network: ["network", "list"], pool: ["storage", "list"] };
    const names: string[] = [];
    for (const [kind, command] of Object.entries(kinds)) {
      const { stdout } = await run([...sudo, "incus", "-q", ...command, "-f", "json"]);
      for (const { name } of JSON.parse(stdout) as { name: string }[]) names.push(`${kind} ${name}`);
    }
    return names;
  };
  const labs = dirname(world.directory);

  beforeAll(async () => {
    await run([...sudo, "incus", "-q", "project", "create", bystander]);
  });
  afterAll(async () => {
    await startIncus();
    await run([...sudo, "incus", "-q", "project", "delete", bystander]);
    await runLab("down");
  });

  it("removes the lab's project, pool, bridge and files, and nothing else", async () => {
    const [before, labsBefore] = [await machine(), readdirSync(labs)];
    const { code, output } = await runLab("down");
    expect(code, output).toBe(0);
    const after = await machine();
    expect(before.filter((name) => !after.includes(name)).sort()).toEqual([
      `network ${world.bridge}`,
      `pool ${world.pool}`,
      `project ${world.incusProject}`,
    ]);
    expect(after).toContain(`project ${bystander}`);
    expect(existsSync(world.directory)).toBe(false);
    expect(labsBefore.filter((name) => !readdirSync(labs).includes(name))).toEqual([world.name]);
    expect(existsSync(world.cache)).toBe(true);
  });

  it("run again, has nothing to do", async () => {
    const { code, output } = await runLab("down");
    expect(code, output).toBe(0);
    expect(output).toContain("is gone");
  });
});
