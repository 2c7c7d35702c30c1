import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { prepareStack, renamedSettings, stackArguments, stackEnv } from "../../../lab/stack.js";
import type { Toolchain } from "../../../lab/toolchain/toolchain.js";
import { world } from "../../../lab/world.js";
import { parsePlainSettings } from "../../../settings/parse.js";
import { partConfig } from "../../../settings/source.js";

const project = join(import.meta.dirname, "../../..");
const shipped = readFileSync(join(project, "Pulumi.lab.yaml"), "utf8");

describe("renamedSettings", () => {
  it("leaves the lab that is shipped as it is", () => {
    const same = world({ name: "lab", subnet: "10.77.0", root: project });
    expect(parse(renamedSettings(shipped, same))).toEqual(parse(shipped));
  });

  it("renames every address, project, pool, bridge and file of another lab", () => {
    const text = renamedSettings(shipped, world({ name: "ci", subnet: "10.88.1", root: project }));
    expect(text).not.toMatch(/10\.77\.0\.|restorable-lab|rstlab0|\.lab\/lab\//);
    const config = parse(text).config;
    expect(config["restorable:hosts"][0]).toMatchObject({
      address: "10.88.1.10",
      hostKeyFile: ".lab/ci/ssh/host_key.pub",
      project: "restorable-ci",
      storagePool: "restorable-ci",
      network: "rstci0",
    });
    expect(config["restorable:sshPrivateKeyFile"]).toBe(".lab/ci/ssh/id_ed25519");
    expect(config["restorable:backup"].repositories[0]).toMatchObject({
      endpoint: "10.88.1.20",
      bucket: "restorable-ci",
    });
  });

  it.each([
    ["17", true],
    ["15", false],
  ])("gives settings that the program accepts, for Postgres %s", (postgres, blockIncremental) => {
    const lab = world({ name: "other", subnet: "10.1.2", root: project, postgres });
    const config = Object.entries(parse(renamedSettings(shipped, lab)).config as Record<string, unknown>);
    const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
    const { raw } = partConfig(config.map(([key, value]) => [key, asText(value)]));
    expect(parsePlainSettings(raw)).toMatchObject({
      hosts: [{ address: "10.1.2.10" }],
      postgres: { major: Number(postgres) },
      image: lab.postgres.image,
      backup: { blockIncremental },
    });
  });
});

describe("renamedSettings for two hosts", () => {
  const lab = world({ name: "ci", subnet: "10.88.1", root: project, hosts: "2" });
  const settings = (() => {
    const config = Object.entries(parse(renamedSettings(shipped, lab)).config as Record<string, unknown>);
    const { raw } = partConfig(
      config.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
    );
    return parsePlainSettings(raw);
  })();

  it("gives each host its address, key, project and failure domain, on one network", () => {
    expect(settings.hosts).toMatchObject([
      { name: "lab-host", address: "10.88.1.10", hostKeyFile: ".lab/ci/ssh/host_key.pub", project: "restorable-ci" },
      {
        name: "lab-host-2",
        address: "10.88.1.9",
        hostKeyFile: ".lab/ci/ssh/host_key-2.pub",
        project: "restorable-ci-2",
        network: "rstci0",
        failureDomain: "lab-b",
      },
    ]);
  });

  it("leaves monitor, new primary and a synchronous standby when the first primary's host is lost", () => {
    const { monitor, nodes, numberSyncStandbys } = settings.formation;
    expect(numberSyncStandbys).toBe(1);
    expect(nodes.map(({ name }) => name)).toEqual(lab.dataNodes);
    const elsewhere = nodes.filter(({ host }) => host !== nodes[0].host);
    expect(elsewhere.length).toBeGreaterThanOrEqual(1 + numberSyncStandbys);
    expect(monitor.host).not.toBe(nodes[0].host);
    expect(new Set([monitor, ...nodes].map(({ address }) => address)).size).toBe(4);
  });

  it("says that the repository stands with the first host", () => {
    expect(settings.objectStore?.host).toBe("lab-host");
    expect(settings.backup.repositories[0]?.failureDomain).toBe(settings.hosts[0]?.failureDomain);
  });
});

describe("a lab's stack", () => {
  let root: string;
  let toolchain: Toolchain;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "lab-stack-"));
    for (const name of ["Pulumi.yaml", "Pulumi.lab.yaml"]) copyFileSync(join(project, name), join(root, name));
    // Writes what `stack init` writes: the stack's state, and its salt beside the project file.
    const pulumi = join(root, "bin", "pulumi");
    mkdirSync(dirname(pulumi));
    writeFileSync(
      pulumi,
      `#!/bin/sh
set -eu
state="\${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/restorable"
mkdir -p "$state"
echo "$@" >>"$state/calls"
echo '{}' >"$state/$3.json"
while [ "$1" != --cwd ]; do shift; done
test -f "$2/Pulumi.yaml"
echo 'encryptionsalt: v1' >"$2/Pulumi.lab.yaml"
`,
    );
    chmodSync(pulumi, 0o755);
    toolchain = { pulumi, path: [dirname(pulumi)], standIns: [] } as unknown as Toolchain;
  });

  afterEach(() => rmSync(root, { recursive: true }));

  const lab = () => world({ name: "ci", subnet: "10.88.1", root });

  it("is made once, and leaves the shipped files as they were", async () => {
    expect(await prepareStack(lab(), toolchain)).toBe("stack lab made");
    expect(await prepareStack(lab(), toolchain)).toBe("there");
    const calls = readFileSync(join(lab().directory, "state/.pulumi/stacks/restorable/calls"), "utf8");
    expect(calls.split("\n")).toHaveLength(2);
    expect(readFileSync(join(root, "Pulumi.lab.yaml"), "utf8")).toBe(shipped);
  });

  it("has a passphrase of its own that only its owner reads, and keeps it", async () => {
    await prepareStack(lab(), toolchain);
    const path = join(lab().directory, "passphrase");
    const passphrase = readFileSync(path, "utf8");
    expect(passphrase.trim().length).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await prepareStack(lab(), toolchain);
    expect(readFileSync(path, "utf8")).toBe(passphrase);
  });

  it("has an environment that a shell can source, without the passphrase itself", async () => {
    await prepareStack(lab(), toolchain);
    const file = join(lab().directory, "env");
    const print = `. ${file}; printf '%s\\n' "$PATH" "$PULUMI_BACKEND_URL" "$PULUMI_CONFIG_PASSPHRASE_FILE"`;
    const [path, backend, passphrase] = execFileSync("sh", ["-c", print], { encoding: "utf8" }).split("\n");
    expect(path?.startsWith(`${dirname(toolchain.pulumi)}:`)).toBe(true);
    expect(path?.endsWith(`:${process.env.PATH}`)).toBe(true);
    expect(backend).toBe(`file://${lab().directory}/state`);
    expect(passphrase).toBe(join(lab().directory, "passphrase"));
    expect(readFileSync(file, "utf8")).not.toContain(readFileSync(passphrase ?? "", "utf8").trim());
  });

  it("reads settings of its own, where a command reads any", async () => {
    await prepareStack(lab(), toolchain);
    expect(stackArguments(lab(), "stack")).toEqual(["--stack", "lab"]);
    const [, , option, file = ""] = stackArguments(lab(), "up");
    expect(option).toBe("--config-file");
    expect(readFileSync(file, "utf8")).toContain("10.88.1.10");
  });

  it("lets the CLI fetch plugins unless stand-ins take their place", () => {
    const key = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION";
    expect(stackEnv(lab(), toolchain)[key]).toBe("false");
    expect(stackEnv(lab(), { ...toolchain, standIns: ["command"] } as Toolchain)[key]).toBe("true");
  });
});
