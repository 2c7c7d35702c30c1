import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ensureToolchain } from "../../../lab/toolchain/toolchain.js";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const projectRoot = fileURLToPath(new URL("../../..", import.meta.url));
const VERSION = "v3.259.0";
const BUNDLED = ["pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];
const OFFICIAL = [
  { name: "command", kind: "resource", version: "1.2.1" },
  { name: "random", kind: "resource", version: "4.21.0" },
];
const RUNTIME = ["language host (nodejs)", "dynamic provider"];
const PLUGINS = ["plugin command 1.2.1", "plugin random 4.21.0"];
/** All that the scripts may use: a PATH of nothing else, so that no real CLI, npm or Go is found. */
const TOOLS = "awk bash cat dirname env flock head mkdir mv rm sh sleep sort touch chmod".split(" ");

let root: string;
let cacheDir: string;
let lines: string[];

const bin = (...parts: string[]) => join(root, "bin", ...parts);
const script = async (path: string, body: string) => {
  await writeFile(path, `#!/bin/sh\necho "$0 $*" >>${root}/calls\n${body}\n`);
  await chmod(path, 0o755);
};
const calls = async () => (await readFile(join(root, "calls"), "utf8").catch(() => "")).split("\n");
const callsOf = async (part: string) => (await calls()).filter((line) => line.includes(part));

/** A CLI with these plugins installed. */
const cliBody = (plugins: unknown[]) =>
  `case "$1" in version) echo ${VERSION} ;; plugin) [ "$2" = ls ] && echo '${JSON.stringify(plugins)}' ;; esac`;

/** A Go that takes its time and then writes a CLI. */
const goBody = (version: string, build: string) => `case "$1" in env) echo go${version} ;; build) ${build} ;; esac`;
const writeCli = `printf '#!/bin/sh\\n[ "$1" = version ] && echo ${VERSION} || echo "[]"\\n' >"$3"; chmod 755 "$3"`;

const ensure = (signal?: AbortSignal) =>
  ensureToolchain({
    cacheDir,
    projectRoot,
    log: (line) => lines.push(line),
    env: { PATH: bin(), HOME: root },
    ...(signal && { signal }),
  });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "toolchain-"));
  cacheDir = join(root, "cache");
  lines = [];
  await mkdir(bin(), { recursive: true });
  for (const tool of TOOLS) {
    const real = (process.env.PATH ?? "").split(":").concat("/usr/bin", "/bin");
    for (const directory of real) {
      const found = await readdir(directory).catch(() => [] as string[]);
      if (!found.includes(tool)) continue;
      await symlink(join(directory, tool), bin(tool));
      break;
    }
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("a CLI on PATH", () => {
  test("with all its parts needs no stand-in", async () => {
    await script(bin("pulumi"), cliBody(OFFICIAL));
    for (const name of BUNDLED) await script(bin(name), "");
    expect(await ensure()).toEqual({
      pulumi: bin("pulumi"),
      version: VERSION,
      origin: "path",
      standIns: [],
      path: [],
    });
  });

  test("without the plugins tries to install them, then names the stand-ins", async () => {
    await script(bin("pulumi"), cliBody([{ ...OFFICIAL[0], version: "0.9.0" }]));
    for (const name of BUNDLED) await script(bin(name), "");
    const toolchain = await ensure();
    expect(toolchain.standIns).toEqual(PLUGINS);
    expect(toolchain.path).toEqual(["command", "random"].map((name) => join(projectRoot, "lab/toolchain/bin", name)));
    expect(await callsOf("plugin install")).toEqual([
      expect.stringContaining("plugin install resource command 1.2.1"),
      expect.stringContaining("plugin install resource random 4.21.0"),
    ]);
  });

  test("gets the plugin of a stack with Kubernetes only where it is asked for", async () => {
    await script(bin("pulumi"), cliBody(OFFICIAL));
    for (const name of BUNDLED) await script(bin(name), "");
    const asked = await ensureToolchain({
      cacheDir,
      projectRoot,
      log: () => {},
      env: { PATH: bin(), HOME: root },
      plugins: ["kubernetes"],
    });
    expect(asked.standIns).toEqual(["plugin kubernetes 4.34.2"]);
    expect(asked.path).toEqual([join(projectRoot, "lab/toolchain/bin/kubernetes")]);
    expect(await callsOf("plugin install")).toEqual([
      expect.stringContaining("plugin install resource kubernetes 4.34.2"),
    ]);
  });

  test("that does not answer is passed over", async () => {
    await script(bin("pulumi"), "exit 1");
    await script(bin("npm"), "exit 1");
    await script(bin("go"), goBody("1.26.0", writeCli));
    expect((await ensure()).origin).toBe("built");
  });
});

describe("the npm package", () => {
  const install = `mkdir -p "$3/node_modules/.bin" && printf '#!/bin/sh\\n[ "$1" = version ] && echo ${VERSION} || echo "[]"\\n' >"$3/node_modules/.bin/pulumi" && chmod 755 "$3/node_modules/.bin/pulumi"`;

  test("is installed once", async () => {
    await script(bin("npm"), install);
    expect(await ensure()).toMatchObject({ origin: "npm", version: VERSION });
    expect(await ensure()).toMatchObject({ origin: "npm", version: VERSION });
    expect(await callsOf("/npm install")).toHaveLength(1);
    expect((await callsOf("/npm install"))[0]).toContain("pulumi@3.259.0");
  });

  test("that cannot download its CLI leaves nothing behind", async () => {
    await script(bin("npm"), install.replace(`echo ${VERSION}`, "exit 1"));
    await script(bin("go"), goBody("1.26.0", writeCli));
    expect((await ensure()).origin).toBe("built");
    expect((await readdir(cacheDir)).filter((name) => name.includes("npm"))).toEqual([]);
  });
});

describe("a build", () => {
  beforeEach(() => script(bin("npm"), "exit 1"));

  test("happens once for the pinned modules and has stand-ins for all other parts", async () => {
    await script(bin("go"), goBody("1.26.0", writeCli));
    const toolchain = await ensure();
    expect(toolchain).toMatchObject({ origin: "built", version: VERSION, standIns: [...RUNTIME, ...PLUGINS] });
    expect(toolchain.path).toHaveLength(3);
    expect(toolchain.pulumi).toMatch(/cache\/pulumi-v3\.259\.0-[a-z0-9]+-[a-z0-9]+-[0-9a-f]{12}\/pulumi$/);
    expect(lines).toEqual([
      expect.stringContaining("building the Pulumi CLI v3.259.0"),
      expect.stringMatching(/^built the Pulumi CLI v3\.259\.0 in \d+ s$/),
    ]);
    expect(await ensure()).toEqual(toolchain);
    expect(await callsOf("/go build")).toHaveLength(1);
  });

  test("two runs at once build once", async () => {
    await script(bin("go"), goBody("1.26.0", `sleep 1; ${writeCli}`));
    const [one, two] = await Promise.all([ensure(), ensure()]);
    expect(one).toEqual(two);
    expect(await callsOf("/go build")).toHaveLength(1);
    expect(lines).toContain("another build is under way; waiting for it");
  });

  test("that was killed is begun afresh", async () => {
    await script(bin("go"), goBody("1.26.0", `touch ${root}/begun; sleep 20`));
    const target = join(cacheDir, "by-hand");
    const killed = spawn(join(projectRoot, "lab/toolchain/build-cli.sh"), [target], {
      env: { PATH: bin() },
      detached: true,
    });
    await expect.poll(() => readdir(root), { timeout: 10_000 }).toContain("begun");
    process.kill(-(killed.pid ?? 0), "SIGKILL");
    expect(await readdir(cacheDir)).not.toContain("by-hand");
    await script(bin("go"), goBody("1.26.0", writeCli));
    const again = spawn(join(projectRoot, "lab/toolchain/build-cli.sh"), [target], { env: { PATH: bin() } });
    const code = await new Promise((resolve) => again.once("exit", resolve));
    expect(code).toBe(0);
    expect(await readdir(target)).toEqual(["pulumi"]);
    expect(await readdir(cacheDir)).not.toContain("by-hand.building");
  });

  test("can be given up; nothing is left of it", async () => {
    await script(bin("go"), goBody("1.26.0", `touch ${root}/begun; exec sleep 20`));
    const abort = new AbortController();
    const building = ensure(abort.signal).catch((error: Error) => error.name);
    await expect.poll(() => readdir(root), { timeout: 10_000 }).toContain("begun");
    abort.abort();
    expect(await building).toBe("AbortError");
    await expect.poll(async () => (await readdir(cacheDir)).filter((name) => !name.endsWith(".lock"))).toEqual([]);
  });

  test("without Go names what to install", async () => {
    await expect(ensure()).rejects.toThrow(/^Go is not installed: install Go 1\.25\.11 or newer .*apt-get install/);
  });

  test("with a Go that cannot update itself names what to install", async () => {
    await script(bin("go"), goBody("1.19.8", writeCli));
    await expect(ensure()).rejects.toThrow("Go 1.19.8 is too old: install Go 1.25.11 or newer");
    expect(await callsOf("/go build")).toEqual([]);
  });

  test("that fails has the compiler's words", async () => {
    await script(bin("go"), goBody("1.26.0", "echo 'checksum mismatch' >&2; exit 1"));
    await expect(ensure()).rejects.toThrow("the Pulumi CLI could not be built:\nchecksum mismatch");
  });
});

test("what an earlier run put on PATH is not taken for the official parts", async () => {
  await script(bin("npm"), "exit 1");
  await script(bin("go"), goBody("1.26.0", writeCli));
  const first = await ensure();
  const PATH = [...first.path, join(first.pulumi, ".."), bin()].join(":");
  const again = await ensureToolchain({ cacheDir, projectRoot, log: () => {}, env: { PATH, HOME: root } });
  expect(again).toEqual(first);
});
