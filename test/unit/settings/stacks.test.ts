import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { authoritySecret } from "../../../settings/authority.js";
import { kubeconfigSecret } from "../../../settings/kubernetesChecks.js";
import { schema } from "../../../settings/schema.js";
import { neededSecrets, secretNames, sshPrivateKey } from "../../../settings/secrets.js";
import { keysAt } from "../../../settings/table.js";
import { webhookSecretNames } from "../../../settings/webhooks.js";
import { parsePlainSettings, parseSettings, readStackFile } from "../../../settings.js";
import { readYaml, refusal } from "./fixture.js";

interface Declared {
  type: string;
  description: string;
  default?: unknown;
  secret?: boolean;
}

describe("Pulumi.yaml", () => {
  const { name, runtime, main, config } = readYaml("Pulumi.yaml") as {
    name: string;
    runtime: unknown;
    main: string;
    config: Record<string, Declared>;
  };
  const secrets = [
    ...secretNames,
    ...webhookSecretNames,
    sshPrivateKey.name,
    authoritySecret.name,
    kubeconfigSecret.name,
  ];

  it("runs index.ts under tsx", () => {
    const options = { typescript: false, nodeargs: "--import tsx" };
    expect({ name, runtime, main }).toEqual({
      name: "restorable",
      runtime: { name: "nodejs", options },
      main: "index.ts",
    });
  });

  it("declares exactly the keys of the schema, each with its type and meaning", () => {
    expect(Object.keys(config).sort()).toEqual([...keysAt([]), ...secrets].sort());
    for (const [key, { type, description }] of Object.entries(config)) {
      expect(type, key).toMatch(/^(?:string|boolean|array|object)$/);
      expect(description, key).toMatch(/\.$/);
      expect(description.startsWith("Secret."), key).toBe((secrets as string[]).includes(key));
    }
  });

  it("requires what the schema requires, and has the schema's defaults", () => {
    const required = Object.entries(schema.shape).filter(([, field]) => !field.safeParse(undefined).success);
    const optional = [
      "objectStore",
      "offsite",
      "offsiteStore",
      "dumps",
      "exports",
      "kubernetes",
      "sshPrivateKeyFile",
      "monitoring",
      "prometheus",
      "recoverFrom",
    ];
    const expected = required.map(([key]) => key).filter((key) => !optional.includes(key));
    const without = Object.entries(config).filter(([, declared]) => declared.default === undefined);
    expect(without.map(([key]) => key).sort()).toEqual(expected.sort());
    for (const [key, { type, default: value }] of Object.entries(config)) {
      const field = schema.shape[key as keyof typeof schema.shape];
      if (value === undefined || value === "" || type === "object") continue;
      expect(field.parse(undefined), key).toBe(value);
    }
  });

  it("leaves the check of secrets to the program: Pulumi's own would name only the first", () => {
    expect(Object.values(config).some(({ secret }) => secret)).toBe(false);
  });
});

describe("Pulumi.lab.yaml", () => {
  it("is accepted as shipped, without any secret", () => {
    const { raw, secrets } = readStackFile("lab");
    expect(secrets).toEqual({});
    const settings = parseSettings(raw, {});
    const [repository, second] = settings.backup.repositories;
    expect(settings).toMatchObject({ environment: "lab", generateSecrets: true, protectData: false });
    expect(repository).toMatchObject({ endpoint: settings.objectStore?.address, port: settings.objectStore?.port });
    expect(second).toMatchObject({ endpoint: settings.offsiteStore?.address, port: settings.offsiteStore?.port });
  });
});

describe("Pulumi.prod.yaml", () => {
  const { raw, secrets } = readStackFile("prod");

  it("is refused as shipped, naming every key that is still open", () => {
    const { keys, message } = refusal(raw, secrets, { isEncrypted: () => false });
    const needed = neededSecrets({ offsiteKind: "existing", ownOffsiteStore: false, generateSecrets: false });
    for (const name of [...needed, ...webhookSecretNames, sshPrivateKey.name])
      expect(keys).toContain(`restorable:${name}`);
    expect(keys).toContain("restorable:hosts[0].hostKey");
    expect(keys).toContain("restorable:hosts[1].address");
    expect(keys).toContain("restorable:backup.repositories[0].endpoint");
    expect(message.split("\n").slice(1)).toSatisfy((lines: string[]) =>
      lines.every((line) => /placeholder|reserved for documentation/.test(line)),
    );
  });

  it("is complete: rendered as shipped, with two hosts and three data nodes", () => {
    const settings = parsePlainSettings(raw);
    expect(settings.hosts).toHaveLength(2);
    expect(settings.formation.nodes).toHaveLength(3);
    expect(settings.formation.numberSyncStandbys).toBe(1);
    expect(settings.objectStore).toBeUndefined();
  });
});

describe("a stack file", () => {
  it("is read as Pulumi would hand it over, without what is encrypted", () => {
    const root = mkdtempSync(join(tmpdir(), "restorable-stack-"));
    const lines = ['restorable:checkDrift: "true"', "restorable:protectData: false", "other:key: x"];
    const encrypted = "restorable:appPassword:\n    secure: v1:AAAA";
    writeFileSync(join(root, "Pulumi.x.yaml"), `config:\n  ${[...lines, encrypted].join("\n  ")}\n`);
    expect(readStackFile("x", root)).toEqual({
      raw: { checkDrift: true, protectData: false },
      secrets: {},
      encrypted: ["appPassword"],
    });
    expect(() => readStackFile("y", root)).toThrow(/there is no stack y: .*Pulumi\.y\.yaml/);
    rmSync(root, { recursive: true });
  });
});
