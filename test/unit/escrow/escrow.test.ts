import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { drillCommand, drillFiles } from "../../../escrow/drill.js";
import { type Escrow, parseEscrow, seal, unseal } from "../../../escrow/format.js";
import { parseRepositories } from "../../../escrow/hosts.js";
import { restoreConfiguration } from "../../../escrow/restore.js";
import { showEscrow } from "../../../escrow/show.js";
import { partEntries } from "../../../escrow/stack.js";
import { parsePlainSettings, readStackFile } from "../../../settings.js";

const { raw } = readStackFile("lab");
const secrets = {
  repo1CipherPass: "cipher-of-repository-one",
  repo1Key: "key-one",
  repo1KeySecret: "secret-of-key-one",
  repo2CipherPass: "cipher-of-repository-two",
  offsiteWriterKey: "writer",
  offsiteWriterKeySecret: "secret-of-the-writer",
  offsiteReaderKey: "reader",
  offsiteReaderKeySecret: "secret-of-the-reader",
  appPassword: "password-of-the-application",
};
const held: Escrow = {
  format: "restorable-escrow",
  version: 1,
  madeAt: "2026-01-31T14:05:00.000Z",
  project: "restorable",
  stack: "lab",
  versions: { project: "0.1.0", postgres: 17, pgbackrest: "2.55.1" },
  stanza: "main",
  administrator: "safe 3",
  settings: raw,
  secrets,
  authority: { key: "-----KEY OF THE AUTHORITY-----\n", certificate: "-----CERTIFICATE-----\n" },
  repositories: [{ number: 1, info: [{ path: "backup/main/backup.info", content: "AAAA" }] }],
};

let identity = "";
let folder = "";
beforeAll(async () => {
  identity = await generateX25519Identity();
  folder = mkdtempSync(join(tmpdir(), "restorable-escrow-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the escrow's file", () => {
  it("is opened by each recipient, with comments in the identity file, and by nobody else", async () => {
    const other = await generateX25519Identity();
    const recipients = await Promise.all([identity, other].map((it) => identityToRecipient(it)));
    const file = await seal(held, recipients);
    expect(Buffer.from(file).toString("latin1")).not.toContain("cipher-of");
    for (const one of [identity, other]) expect(await unseal(file, `# created: now\n${one}\n`)).toEqual(held);
    await expect(unseal(file, await generateX25519Identity())).rejects.toThrow("cannot be opened with this identity");
    file[file.length - 1] = (file.at(-1) ?? 0) ^ 1;
    await expect(unseal(file, identity)).rejects.toThrow("cannot be opened");
  });

  it("is refused without a recipient, for one that is none, and without an identity", async () => {
    await expect(seal(held, [])).rejects.toThrow("needs a recipient");
    await expect(seal(held, ["age1nonsense"])).rejects.toThrow("age1nonsense is no age recipient");
    await expect(unseal(new Uint8Array(), "# nothing\n")).rejects.toThrow("holds no key");
    await expect(unseal(new Uint8Array(), "AGE-SECRET-KEY-1WRONG")).rejects.toThrow(/^the identity file holds a line/);
  });

  it("of another version, or not whole, is refused without a value in the error", () => {
    expect(() => parseEscrow(JSON.stringify({ ...held, version: 2 }))).toThrow("version 2");
    expect(() => parseEscrow("{}")).toThrow("no escrow");
    const { authority: _, ...part } = held;
    expect(() => parseEscrow(JSON.stringify(part))).toThrow(/^the escrow is not whole: authority$/);
  });

  it("is shown without any secret", () => {
    const text = showEscrow(held);
    for (const name of Object.keys(secrets)) expect(text).toContain(`    ${name}\n`);
    for (const value of [...Object.values(secrets), held.authority.key.trim()])
      expect(text.split(/[\s,]+/)).not.toContain(value);
    expect(text).toContain("safe 3");
  });
});

describe("what goes into it", () => {
  it("parts settings and secrets; what is encrypted is a secret whatever its name", () => {
    const { settings, secrets: found } = partEntries({
      "restorable:environment": { value: "prod" },
      "restorable:hosts": { value: '[{"name":"a"}]' },
      "restorable:drill": { value: "{}" },
      "restorable:appPassword": { value: "open", secret: false },
      "restorable:postgres": { value: '{"major":17}', secret: true },
      "other:key": { value: "x" },
    });
    expect(settings).toEqual({ environment: "prod", hosts: [{ name: "a" }] });
    expect(found).toEqual({ appPassword: "open", postgres: '{"major":17}' });
  });

  it("takes the info files of every repository, and half of them for an error", () => {
    const text = "pgBackRest 2.55.1\n1 backup/main/backup.info QQ==\n1 archive/main/archive.info Qg==\n";
    expect(parseRepositories(text, [1])).toEqual({
      pgbackrest: "2.55.1",
      repositories: [
        {
          number: 1,
          info: [
            { path: "backup/main/backup.info", content: "QQ==" },
            { path: "archive/main/archive.info", content: "Qg==" },
          ],
        },
      ],
    });
    expect(() => parseRepositories(text, [1, 2])).toThrow("repository 2 holds no stanza yet");
  });
});

describe("a drill with it", () => {
  it("has the reader's key of the drilled repository alone, and no secret in the command", () => {
    const files = drillFiles(held, parsePlainSettings(raw), 2);
    expect(files.get("conf/secrets.repo2.conf")).toContain("repo2-s3-key=reader\n");
    const all = [...files.values()].join("\n");
    for (const name of ["offsiteWriterKeySecret", "repo1CipherPass", "appPassword"] as const)
      expect(all).not.toContain(secrets[name]);
    expect([...files.keys()]).toEqual(expect.arrayContaining(["dr-drill.sh", "drill/inside.sh", "drill.env"]));
    for (const value of Object.values(secrets)) expect(drillCommand(2)).not.toContain(value);
  });
});

describe("a configuration from it", () => {
  it("recovers from the repository; secrets go to the CLI on standard input; what stands in the file stays", async () => {
    const log = join(folder, "calls");
    const pulumi = join(folder, "pulumi");
    writeFileSync(pulumi, `#!/bin/sh\necho "$*" >>${log}\ncat >>${log}\necho >>${log}\n`, { mode: 0o755 });
    const configFile = join(folder, "Pulumi.new.yaml");
    writeFileSync(configFile, "encryptionsalt: v1:salt\n");
    const access = { pulumi, env: {}, root: folder, stack: "new", configFile };
    await restoreConfiguration(access, held, { repository: 2 });
    const written = parse(readFileSync(configFile, "utf8"));
    expect(written).toMatchObject({
      encryptionsalt: "v1:salt",
      config: { "restorable:generateSecrets": false, "restorable:recoverFrom": { repository: 2 } },
    });
    const calls = readFileSync(log, "utf8");
    for (const [name, value] of Object.entries(secrets))
      expect(calls).toContain(
        `config set --secret restorable:${name} --stack new --config-file ${configFile} --non-interactive --color=never\n${value}\n`,
      );
    expect(calls).toContain("restorable:authority");
    expect(readFileSync(configFile, "utf8")).not.toContain("cipher-of");
    expect(statSync(configFile).isFile()).toBe(true);
    await expect(restoreConfiguration(access, held, { repository: 2 })).rejects.toThrow("holds settings already");
  });
});
