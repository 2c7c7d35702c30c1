import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { neededSecrets, secretKeys } from "../../../settings/secrets.js";
import { parseSettings } from "../../../settings.js";
import { changed, goodSecrets, refusal, smallest } from "./fixture.js";

/** What {@link smallest} needs. */
const needed = neededSecrets({ offsiteKind: "existing", ownOffsiteStore: false, generateSecrets: false });
const secretNames = Object.keys(secretKeys).filter((name) => (needed as string[]).includes(name));
const keys = secretNames.map((name) => `restorable:${name}`);
const all = (value: string) => ({ ...goodSecrets, ...Object.fromEntries(secretNames.map((name) => [name, value])) });

/** Random text that no message contains by chance. */
const secret = fc.stringMatching(/^[A-Za-z0-9+/"\\]{24,40}$/);

describe("secrets", () => {
  it.each([
    "",
    "   ",
    "changeme",
    "ChangeMe-please-now-or-later",
    "CHANGE_ME",
    "change-me-to-something-longer",
    "placeholder",
    "PLACEHOLDER_PASSPHRASE_OF_REPO",
    "<your-very-own-passphrase>",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what an unfilled template leaves behind
    "${REPO1_CIPHER_PASSPHRASE}",
    "correct-horse-battery-staple",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
  ])("are refused as %j, all at once", (value) => {
    expect(refusal(smallest(), all(value)).keys).toEqual(keys);
  });

  it("are refused when they are missing", () => {
    expect(refusal(smallest(), { sshPrivateKey: goodSecrets.sshPrivateKey }).keys).toEqual(keys);
  });

  it.each(["repo1CipherPass", "appPassword", "monitorPassword", "replicationPassword"])(
    "%s has 20 characters or more",
    (name) => {
      const error = refusal(smallest(), { ...goodSecrets, [name]: "q8Zr2vT5xLk9Wm3Bn7H" });
      expect(error.keys).toEqual([`restorable:${name}`]);
      expect(error.message).toContain("has fewer than 20 characters");
      expect(() => parseSettings(smallest(), { ...goodSecrets, [name]: "q8Zr2vT5xLk9Wm3Bn7HP" })).not.toThrow();
    },
  );

  it("hold on one line, as configuration and password files need", () => {
    const error = refusal(smallest(), { ...goodSecrets, repo1CipherPass: "q8Zr2vT5xLk9Wm3B\nn7HPq8Zr2vT5" });
    expect(error.keys).toEqual(["restorable:repo1CipherPass"]);
  });

  it("are refused in prod when they are stored in clear text", () => {
    const error = refusal(smallest(), goodSecrets, { isEncrypted: (name) => name !== "repo1Key" });
    expect(error.keys).toEqual(["restorable:repo1Key"]);
    expect(() => parseSettings(smallest(), goodSecrets, { isEncrypted: () => true })).not.toThrow();
  });

  it("are not generated in prod, and not both given and generated elsewhere", () => {
    const generated = changed({ generateSecrets: true });
    expect(refusal(generated).keys).toContain("restorable:generateSecrets");
    const lab = { ...generated, environment: "lab" };
    const foreign = keys.filter((key) => key.includes(":offsite"));
    expect(refusal(lab).keys).toEqual(keys.filter((key) => !foreign.includes(key)));
    // The keys of a store that others run cannot be made here.
    expect(refusal(lab, { sshPrivateKey: goodSecrets.sshPrivateKey }).keys).toEqual(foreign);
    const own = changed({
      environment: "lab",
      generateSecrets: true,
      "offsite.endpoint": "10.1.0.22",
      "offsite.port": 9000,
      offsiteStore: { host: "host-a", address: "10.1.0.22" },
    });
    expect(() => parseSettings(own, { sshPrivateKey: goodSecrets.sshPrivateKey })).not.toThrow();
    expect([...refusal(own).keys].sort()).toEqual([...keys].sort());
  });
});

describe("the private SSH key", () => {
  it("comes from exactly one place", () => {
    const withFile = changed({ sshPrivateKeyFile: "id" });
    expect(refusal(withFile).keys).toEqual(["restorable:sshPrivateKey"]);
    expect(refusal(smallest(), { ...goodSecrets, sshPrivateKey: "" }).keys).toEqual(["restorable:sshPrivateKey"]);
    expect(() => parseSettings(withFile, { ...goodSecrets, sshPrivateKey: "" })).not.toThrow();
  });

  it("is a private key", () => {
    const error = refusal(smallest(), { ...goodSecrets, sshPrivateKey: "ssh-ed25519 AAAA" });
    expect(error.message).toContain("is no private key");
  });

  it("is not shown when it stands under the wrong key", () => {
    const raw = changed({ image: goodSecrets.sshPrivateKey });
    expect(refusal(raw).message).not.toContain("b3BlbnNz");
  });
});

describe("no error shows a secret", () => {
  it("whatever is wrong with it", () => {
    const spoil = fc.constantFrom(
      (text: string) => ` ${text}`,
      (text: string) => `CHANGE_ME${text}`,
      (text: string) => `${text}\n`,
      (text: string) => `<${text}>`,
    );
    fc.assert(
      fc.property(secret, spoil, (value, change) => {
        expect(refusal(smallest(), all(change(value))).message).not.toContain(value);
      }),
    );
  });

  it("wherever else it stands", () => {
    const places: ((value: string) => Record<string, unknown>)[] = [
      (value) => ({ image: `${value} x` }),
      (value) => ({ "drill.host": value }),
      (value) => ({ "hosts[0].address": value }),
      (value) => ({ [value]: "x" }),
      (value) => ({ "formation.nodes": value }),
      (value) => ({ "backup.repositories[0].bucket": `${"-".repeat(70)}${value}` }),
      (value) => ({ "postgres.role": { name: value } }),
    ];
    fc.assert(
      fc.property(secret, fc.constantFrom(...places), (value, put) => {
        const { message } = refusal(changed(put(value)), { ...goodSecrets, appPassword: value });
        expect(message).not.toContain(value);
        expect(message).not.toContain(JSON.stringify(value).slice(1, -1));
        expect(message).not.toContain(value.slice(0, 12));
      }),
    );
  });

  it("nor a value that Pulumi has encrypted", () => {
    const raw = changed({ "drill.host": "hidden-away" });
    expect(refusal(raw, goodSecrets, { isEncrypted: () => true }).message).not.toContain("hidden-away");
  });
});

describe("passphrases made at random", () => {
  it("are not taken for placeholders", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (bytes) => {
        fc.pre(new Set(bytes).size > 1);
        parseSettings(smallest(), { ...goodSecrets, repo1CipherPass: Buffer.from(bytes).toString("base64") });
      }),
    );
  });
});
