import type * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { secretNames } from "../../../settings/secrets.js";
import { webhookSecretNames } from "../../../settings/webhooks.js";
import { known, named, type Registered, Secret, settled, startEngine } from "./engine.js";
import { settingsIn, useShipped } from "./fixture.js";

let registered: Registered[];
let program: Record<string, unknown>;

const secrets = Object.fromEntries([
  ...secretNames.map((name) => [`restorable:${name}`, `${name}-9fK2xQ7vLm4TzR8w`]),
  ["restorable:exportsIdentity", `AGE-SECRET-KEY-1${"Q".repeat(58)}`],
  ...webhookSecretNames.map((name) => [`restorable:${name}`, `https://hooks.veza.fr/${name}-9fK2xQ7vLm4TzR8w`]),
]);

/** The example with values of one's own. */
function filledIn(value: unknown): unknown {
  if (typeof value === "string")
    return value.replace("192.0.2.", "10.20.30.").replace(/s3[.]example[.](net|com)/, "s3-$1.veza.fr");
  if (Array.isArray(value)) return value.map(filledIn);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, filledIn(inner)]));
}

beforeAll(async () => {
  registered = await startEngine("prod");
  const config = (all: Record<string, unknown>) => ({ ...(filledIn(all) as object), ...secrets });
  useShipped("prod", config, Object.keys(secrets));
  program = await import("../../../index.js");
  await settled();
});

describe("the production example, filled in", () => {
  it("makes no secret itself: configured ones reach standard input only", () => {
    expect(registered.filter(({ type }) => /^random:|GeneratedSecrets/.test(type))).toEqual([]);
    for (const { name, inputs } of registered) {
      const { stdin, connection: _, ...open } = inputs;
      for (const secret of Object.values(secrets)) expect(JSON.stringify(open), name).not.toContain(secret);
      if (stdin !== undefined) expect(stdin, name).toBeInstanceOf(Secret);
    }
    const { value } = named(registered, "pgaf-primary-pgbackrest-configuration").inputs.stdin as Secret;
    expect(value).toContain(`repo1-cipher-pass=${secrets["restorable:repo1CipherPass"]}`);
    expect(value).toContain(`repo2-s3-key=${secrets["restorable:offsiteWriterKey"]}`);
  });

  it("gives the drill host the off-site bucket's reader key, and never the writer's", () => {
    const { value } = named(registered, "drill-drill").inputs.stdin as Secret;
    expect(value).toContain(`repo2-s3-key=${secrets["restorable:offsiteReaderKey"]}`);
    expect(value).not.toContain(secrets["restorable:offsiteWriterKey"]);
    expect(value).not.toContain(secrets["restorable:offsiteWriterKeySecret"]);
  });

  it("makes no object store, and trusts the system's authorities for the one that exists", () => {
    expect(registered.filter(({ type }) => /ObjectStore/.test(type))).toEqual([]);
    const { STORE_CA, CONF } = settingsIn(named(registered, "pgaf-primary-pgbackrest-configuration"));
    expect(STORE_CA).toBe("");
    expect(CONF).not.toContain("storage-ca-file");
  });

  it("keeps data volumes, and asks for one acknowledging standby with three data nodes", () => {
    for (const name of ["pgaf-primary", "pgaf-replica", "pgaf-replica-2"]) {
      expect(named(registered, `${name}-container`).inputs.delete).toContain("KEEP_DATA=true");
    }
    expect(settingsIn(named(registered, "formation-policy")).NUMBER_SYNC_STANDBYS).toBe("1");
  });

  it("places each member on its host, and builds the image on both", () => {
    const host = (name: string) => (named(registered, name).inputs.connection as Secret).value;
    expect(host("pgaf-primary-container")).toMatchObject({ host: "10.20.30.10" });
    expect(host("pgaf-replica-container")).toMatchObject({ host: "10.20.30.20" });
    expect(host("drill-drill")).toMatchObject({ host: "10.20.30.20" });
    expect(named(registered, "host-a-pg-image-build").dependencies).toEqual(["host-a-tools"]);
    expect(named(registered, "host-b-pg-image-build").dependencies).toEqual(["host-b-tools"]);
  });

  it("marks the URI as secret", async () => {
    expect((await known(program.formationUri as pulumi.Output<string>)).secret).toBe(true);
  });
});
