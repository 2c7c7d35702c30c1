import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, packBundle, readBundle, stepHash } from "../../../remote/bundle.js";

let root: string;

const write = (path: string, text: string) => {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text);
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "bundle-"));
  write("host/lib.sh", "lib");
  write("host/pg.sh", "pg");
  write("converge/one.sh", "one");
  write("converge/two.sh", "two");
  write("node/role.sh", "role");
  write("node/deep/er.sh", "deeper");
  write("node/.role.sh.swp", "an editor's own");
});

afterAll(() => rmSync(root, { recursive: true }));

const changed = (bundle: Bundle, path: string): Bundle => ({
  ...bundle,
  files: new Map([...bundle.files, [path, `${bundle.files.get(path)} changed`]]),
});

describe("readBundle", () => {
  it("puts what is for the host at the top, the rest where it is", () => {
    expect([...readBundle(root).files.keys()].sort()).toEqual([
      "converge/one.sh",
      "converge/two.sh",
      "lib.sh",
      "node/deep/er.sh",
      "node/role.sh",
      "pg.sh",
    ]);
  });

  it("has a hash that follows content and names", () => {
    const before = readBundle(root).hash;
    expect(before).toMatch(/^[0-9a-f]{12}$/);
    expect(readBundle(root).hash).toBe(before);
    write("converge/two.sh", "two, changed");
    const after = readBundle(root).hash;
    expect(after).not.toBe(before);
    write("converge/two.sh", "two");
    expect(readBundle(root).hash).toBe(before);
  });

  it("reads the project's own scripts: every converge step has its prelude", () => {
    const { files } = readBundle();
    for (const path of ["lib.sh", "step", "facts", "pg.sh", "dr-drill.sh", "converge/pg-node.sh"]) {
      expect(files.get(path), path).toBeTruthy();
    }
  });
});

describe("stepHash", () => {
  it("follows the step's script, the prelude and the files it names, and nothing else", () => {
    const bundle = readBundle(root);
    const hash = (it: Bundle) => stepHash(it, "one", ["pg.sh", "node"]);
    for (const path of ["lib.sh", "converge/one.sh", "pg.sh", "node/role.sh", "node/deep/er.sh"]) {
      expect(hash(changed(bundle, path)), path).not.toBe(hash(bundle));
    }
    expect(hash(changed(bundle, "converge/two.sh"))).toBe(hash(bundle));
    expect(stepHash(bundle, "one")).toBe(stepHash(changed(bundle, "pg.sh"), "one"));
  });

  it("refuses what is not there", () => {
    const bundle = readBundle(root);
    expect(() => stepHash(bundle, "three")).toThrow("no converge/three.sh in scripts/");
    expect(() => stepHash(bundle, "one", ["nod"])).toThrow("step one needs nod, which is not in scripts/");
  });
});

describe("packBundle", () => {
  it("is one line per file that gives its content back", () => {
    const bundle = readBundle(root);
    const lines = packBundle(bundle).trimEnd().split("\n");
    const read = lines.map((line): [string, string] => {
      const [path = "", data = ""] = line.split(" ");
      return [path, Buffer.from(data, "base64").toString("utf8")];
    });
    expect(new Map(read)).toEqual(bundle.files);
  });
});
