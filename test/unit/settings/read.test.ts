import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readKeyFiles } from "../../../settings/files.js";
import { parseSettings, readSettings, SettingsError } from "../../../settings.js";
import { changed, goodSecrets, hostKey, privateKey, smallest } from "./fixture.js";

describe("key files", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "restorable-settings-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const settings = parseSettings(
    changed({
      environment: "lab",
      "hosts[0].hostKey": undefined,
      "hosts[0].hostKeyFile": "host_key.pub",
      sshPrivateKeyFile: "id",
    }),
    { ...goodSecrets, sshPrivateKey: undefined },
  );

  it("are read relative to the project", () => {
    writeFileSync(join(root, "host_key.pub"), `${hostKey} lab\n`);
    writeFileSync(join(root, "id"), privateKey);
    const read = readKeyFiles(settings, undefined, { root });
    expect(read.settings.hosts.map((host) => host.hostKey)).toEqual([`${hostKey} lab`, hostKey]);
    expect(read.sshPrivateKey).toBe(privateKey);
  });

  it("are all named when they are missing or something else, with what to do", () => {
    writeFileSync(join(root, "id"), `${hostKey}\n`);
    try {
      readKeyFiles(settings, undefined, { root });
      expect.unreachable();
    } catch (error) {
      expect((error as SettingsError).keys).toEqual([
        "restorable:hosts[0].hostKeyFile",
        "restorable:sshPrivateKeyFile",
      ]);
      expect((error as Error).message).toContain(
        `${join(root, "host_key.pub")} is not there; \`npm run lab\` makes it`,
      );
      expect((error as Error).message).not.toContain(hostKey);
    }
  });
});

describe("the configuration of a stack", () => {
  const configure = (
    raw: Record<string, unknown>,
    secrets: Record<string, string>,
    encrypted = Object.keys(secrets),
  ) => {
    const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
    const entries = Object.entries({ ...raw, ...secrets }).map(([key, value]) => [`restorable:${key}`, text(value)]);
    pulumi.runtime.setAllConfig(
      Object.fromEntries([["other:key", "x"], ...entries]),
      encrypted.map((key) => `restorable:${key}`),
    );
  };
  const plain = smallest() as Record<string, unknown>;

  it("is read with its types, and empty values of Pulumi.yaml as absent", async () => {
    configure({ ...plain, checkDrift: false, objectStore: {}, sshPrivateKeyFile: "", alerts: {} }, goodSecrets);
    const { settings, secrets, sshPrivateKey } = readSettings();
    expect(settings.checkDrift).toBe(false);
    expect(settings).not.toHaveProperty("objectStore");
    expect(settings.hosts[1]?.hostKey).toBe(hostKey);
    expect(sshPrivateKey).toBe(privateKey);
    const password = secrets?.appPassword;
    expect(await pulumi.isSecret(password as pulumi.Output<string>)).toBe(true);
    expect(await new Promise((resolve) => password?.apply(resolve))).toBe(goodSecrets.appPassword);
  });

  it("has no secrets of its own where they are generated", () => {
    const lab = { ...plain, environment: "lab", generateSecrets: true, offsite: undefined };
    configure(lab, { sshPrivateKey: privateKey, appPassword: "" });
    expect(readSettings()).toMatchObject({ secrets: {}, generated: expect.arrayContaining(["appPassword"]) });
  });

  it("is refused with unknown keys and with secrets in clear text", () => {
    configure({ ...plain, checkdrift: true }, goodSecrets, ["sshPrivateKey"]);
    expect(readSettings).toThrow(SettingsError);
    expect(readSettings).toThrow(/restorable:checkdrift: is no known key; did you mean checkDrift\?/);
    expect(readSettings).toThrow(/restorable:repo1CipherPass: stands in the configuration unencrypted/);
  });
});
