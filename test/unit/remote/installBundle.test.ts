import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bundle, packBundle } from "../../../remote/bundle.js";
import { installBundle, removeBundle, toolsRoot } from "../../../remote/installBundle.js";

const bundle = (hash: string): Bundle => ({
  hash,
  files: new Map([
    ["step", "#!/bin/sh\necho it's $HOME\n"],
    ["converge/one.sh", "one é\n"],
  ]),
});

const install = (hash: string, project = "restorable") =>
  installBundle({ bundle: bundle(hash), stack: "p-lab", host: "alpha", project, generation: 3 });

let root: string;

/** Runs the text with its absolute paths moved under a folder, with a stand-in for the incus client. */
function run(script: string, input = "", incus = "exit 0") {
  const bin = join(root, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "incus"), `#!/bin/sh\n${incus}\n`);
  chmodSync(join(bin, "incus"), 0o755);
  const moved = script.replaceAll(/\/(?:usr\/local\/lib|var\/lib|run)\/restorable\b/g, `${root}$&`);
  return execFileSync("sh", ["-c", moved], {
    input,
    encoding: "utf8",
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: root },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

const tools = () => join(root, toolsRoot("p-lab"));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "install-"));
});

afterEach(() => rmSync(root, { recursive: true }));

describe("installBundle", () => {
  it("installs every file as it is, runnable, beside what names the stack", () => {
    run(install("aaa"), packBundle(bundle("aaa")));
    expect(readFileSync(join(tools(), "step"), "utf8")).toBe("#!/bin/sh\necho it's $HOME\n");
    expect(readFileSync(join(tools(), "converge/one.sh"), "utf8")).toBe("one é\n");
    expect(statSync(join(tools(), "step")).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(tools(), "bundle.env"), "utf8")).toBe("STACK=p-lab HOST_NAME=alpha\n");
  });

  it("records its generation for `facts`, where only root looks", () => {
    run(install("aaa"), packBundle(bundle("aaa")));
    const state = join(root, "var/lib/restorable/p-lab");
    expect(readFileSync(join(state, "steps/host/tools"), "utf8")).toBe("generation=3\nuuid=\ncode=aaa\n");
    expect(statSync(state).mode & 0o777).toBe(0o700);
  });

  it("replaces an older version, and is content to run again", () => {
    for (const hash of ["aaa", "bbb", "bbb"]) run(install(hash), packBundle(bundle(hash)));
    expect(readdirSync(join(tools(), "..")).sort()).toEqual(["p-lab", "p-lab.bbb"]);
  });

  it("names host and remedy without an Incus client or project, and touches nothing", () => {
    const failure = (script: () => unknown) => {
      try {
        script();
      } catch (error) {
        return String((error as { stderr: string }).stderr);
      }
      return "no error";
    };
    expect(failure(() => run(install("aaa", "other"), "", "exit 1"))).toMatch(
      /restorable: host alpha: Incus project other is not there.*incus project list/,
    );
    expect(existsSync(tools())).toBe(false);
  });
});

describe("removeBundle", () => {
  it("takes away everything of its stack and nothing of another", () => {
    run(install("aaa"), packBundle(bundle("aaa")));
    const other = installBundle({ bundle: bundle("ccc"), stack: "q-lab", host: "alpha", project: "x", generation: 1 });
    run(other, packBundle(bundle("ccc")));
    run(removeBundle("p-lab"));
    expect(readdirSync(join(tools(), "..")).sort()).toEqual(["q-lab", "q-lab.ccc"]);
    expect(readdirSync(join(root, "var/lib/restorable"))).toEqual(["q-lab"]);
    run(removeBundle("q-lab"));
    expect(existsSync(join(tools(), ".."))).toBe(false);
    expect(existsSync(join(root, "var/lib/restorable"))).toBe(false);
  });
});
