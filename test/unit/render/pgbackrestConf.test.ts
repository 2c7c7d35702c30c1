import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type PgbackrestConfArgs,
  type PgbackrestRepository,
  pgbackrestFeatures,
  renderPgbackrestConf,
  renderPgbackrestSecrets,
} from "../../../render/pgbackrestConf.js";

const onSite: PgbackrestRepository = {
  number: 1,
  endpoint: "10.11.12.5",
  port: 9000,
  bucket: "backups",
  path: "/pgbackrest",
  region: "us-east-1",
  uriStyle: "path",
  retention: { type: "count", full: 4, diff: 7, archive: 4 },
  caFile: "/etc/pgbackrest/store-ca.crt",
};

const { caFile: _, ...withoutCa } = onSite;
const offSite: PgbackrestRepository = {
  ...withoutCa,
  number: 2,
  endpoint: "s3.example.org",
  port: 443,
  region: "eu",
  retention: { type: "time", days: 30 },
};

const node: PgbackrestConfArgs = {
  stanza: "main",
  pgPath: "/var/lib/postgresql/17/pgaf/node",
  processMax: 2,
  compressLevel: 3,
  spoolPath: "/var/spool/pgbackrest",
  repositories: [onSite],
  features: { block: true },
  purpose: "node",
};

describe("renderPgbackrestConf", () => {
  it("V1-V4: renders a data node's file", async () => {
    await expect(renderPgbackrestConf(node)).toMatchFileSnapshot("golden/pgbackrest.node.conf");
  });

  it("renders two repositories for a version without block incremental backups", async () => {
    const args = { ...node, repositories: [onSite, offSite], features: { block: false }, pgSocketPath: "/run/pg" };
    await expect(renderPgbackrestConf(args)).toMatchFileSnapshot("golden/pgbackrest.two-repositories.conf");
  });

  it("V8: renders the drill's file: one repository, nothing about pushing WAL", async () => {
    const text = renderPgbackrestConf({ ...node, repositories: [offSite], purpose: "drill" });
    expect(text).not.toMatch(/archive-async|spool-path|archive-timeout/);
    await expect(text).toMatchFileSnapshot("golden/pgbackrest.drill.conf");
  });

  it("renders a drill's repository exactly as a node's", () => {
    const repositoryLines = (purpose: "node" | "drill") =>
      renderPgbackrestConf({ ...node, purpose }).match(/^repo1-.*$/gm);
    expect(repositoryLines("drill")).toEqual(repositoryLines("node"));
  });

  it("P4: keeps by time with no number of backups beside the days", () => {
    const lines = renderPgbackrestConf({ ...node, repositories: [onSite, offSite] }).match(/^repo2-retention-.*$/gm);
    expect(lines).toEqual(["repo2-retention-full-type=time", "repo2-retention-full=30"]);
  });

  it("changes one line when the full retention changes", () => {
    const lines = (full: number) => {
      const retention = { type: "count", full, diff: 7, archive: 4 } as const;
      return renderPgbackrestConf({ ...node, repositories: [{ ...onSite, retention }] }).split("\n");
    };
    const after = lines(5);
    const changed = lines(4).filter((line, index) => line !== after[index]);
    expect(changed).toEqual(["repo1-retention-full=4"]);
  });

  it("never limits the archive queue, which would drop WAL silently", () => {
    expect(renderPgbackrestConf(node)).not.toContain("archive-push-queue-max");
  });

  it.each([
    ["no repository", { repositories: [] }, "at least one repository"],
    ["a number used twice", { repositories: [onSite, { ...offSite, number: 1 }] }, "number 1 is used twice"],
    ["a value of two lines", { pgPath: "/a\nrepo1-path=/b" }, "[main] pg1-path: the value holds a control character"],
    ["a stanza named like a section", { stanza: "main]" }, "does not fit"],
    ["a value with a trailing blank", { repositories: [{ ...onSite, bucket: "b " }] }, "repo1-s3-bucket"],
  ])("refuses %s", (_name, change, message) => {
    expect(() => renderPgbackrestConf({ ...node, ...change })).toThrow(message);
  });
});

describe("renderPgbackrestSecrets", () => {
  const secrets = { number: 1, key: "access", keySecret: "s3cr3t=#;", cipherPass: "a passphrase with blanks" };

  it("puts every secret, and no other setting, into [global]", () => {
    expect(renderPgbackrestSecrets([secrets, { ...secrets, number: 2 }])).toBe(
      [
        "[global]",
        "repo1-s3-key=access",
        "repo1-s3-key-secret=s3cr3t=#;",
        "repo1-cipher-pass=a passphrase with blanks",
        "repo2-s3-key=access",
        "repo2-s3-key-secret=s3cr3t=#;",
        "repo2-cipher-pass=a passphrase with blanks",
        "",
      ].join("\n"),
    );
  });

  it("refuses an empty secret", () => {
    expect(() => renderPgbackrestSecrets([{ ...secrets, cipherPass: "" }])).toThrow("repo1-cipher-pass");
  });

  it("names the key and never the value of what it refuses", () => {
    const edge = fc.constantFrom(" ", "\n", "\r", "\t", "\0");
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12,20}$/), edge, fc.boolean(), (word, bad, leading) => {
        const cipherPass = leading ? bad + word : word + bad;
        const render = () => renderPgbackrestSecrets([{ ...secrets, cipherPass }]);
        expect(render).toThrow("repo1-cipher-pass");
        expect(render).not.toThrow(word);
      }),
    );
  });

  it("gives back every secret that it accepts, on a line of its own", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        let text: string;
        try {
          text = renderPgbackrestSecrets([{ ...secrets, keySecret: value }]);
        } catch {
          return;
        }
        expect(text.split("\n")).toHaveLength(5);
        expect(text).toContain(`\nrepo1-s3-key-secret=${value}\n`);
      }),
    );
  });
});

describe("pgbackrestFeatures", () => {
  it.each([
    ["pgBackRest 2.45", false],
    ["pgBackRest 2.46", true],
    ["pgBackRest 2.55.1\n", true],
    ["2.5", false],
    ["3.0", true],
  ])("%j", (version, block) => expect(pgbackrestFeatures(version)).toEqual({ block }));

  it("refuses what is no version", () => expect(() => pgbackrestFeatures("none")).toThrow('"none"'));
});
