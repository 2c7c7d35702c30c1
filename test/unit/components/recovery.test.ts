import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../../components/CertificateAuthority.js";
import type { RecoverFrom } from "../../../components/FormationRecovery.js";
import { PgFormation, type PgMember } from "../../../components/PgFormation.js";
import { plan } from "../../../plan.js";
import { parseFacts } from "../../../remote/facts.js";
import { parsePlainSettings, readStackFile } from "../../../settings.js";
import { named, type Registered, Secret, settled, startEngine } from "./engine.js";
import { settingsIn, testHost } from "./fixture.js";

let registered: Registered[];
const step = (name: string) => named(registered, name);

beforeAll(async () => {
  registered = await startEngine("test");
  const host = testHost({ facts: { known: true, facts: parseFacts("") } });
  const authority = new CertificateAuthority("ca", { host, given: pulumi.secret("key and certificate") });
  const member = (name: string, last: number): PgMember => ({
    name,
    host,
    address: `10.1.1.${last}`,
    cpu: 2,
    memory: "2GiB",
    dataSize: "10GiB",
  });
  const secretsOf = (number: number) => ({
    number,
    key: `key${number}`,
    keySecret: `half${number}`,
    cipherPass: `pass${number}`,
  });
  const recoverFrom: RecoverFrom = {
    backup: plan(parsePlainSettings(readStackFile("lab").raw)).backup,
    repository: 2,
    targetTime: "2026-01-31 14:05:00+00",
    allowLivingSource: false,
    archiveTimeoutSeconds: 60,
    database: "app",
    secrets: [secretsOf(1), secretsOf(2)],
    storeCa: "",
    after: [],
  };
  new PgFormation("formation", {
    major: 17,
    image: "restorable-pg17",
    monitor: member("monitor", 11),
    nodes: [member("first", 12), member("second", 13)],
    numberSyncStandbys: 0,
    healthCheck: {
      periodMs: 1000,
      timeoutMs: 1000,
      retryDelayMs: 500,
      maxRetries: 1,
      unhealthyTimeoutMs: 4000,
      primaryDemoteTimeoutMs: 5000,
    },
    authority,
    database: "app",
    role: "app",
    clientNetworks: [],
    keepData: true,
    recoverFrom,
    monitorPassword: "monitor-secret",
    replicationPassword: "replication-secret",
    appPassword: "app-secret",
  });
  await settled();
});

describe("recoverFrom", () => {
  it("X6 restores on the first node, after the monitor and a look at the others, before any node registers", () => {
    const recover = step("first-recover");
    expect(recover.dependencies).toEqual(expect.arrayContaining(["monitor-monitor", "second-recover-look"]));
    expect(step("first-node").dependencies).toContain("first-recover");
    expect(settingsIn(recover)).toMatchObject({
      REPOSITORY: "2",
      TARGET_TIME: "2026-01-31 14:05:00+00",
      PEERS: "second=second-recover-look stdout",
      NODE_ADDRESSES: "10.1.1.12 10.1.1.13",
      ALLOW_LIVING_SOURCE: "0",
    });
  });

  it("knows the one repository only, its keys on standard input", () => {
    const recover = step("first-recover");
    expect(settingsIn(recover).CONF).toContain("repo2-s3-bucket=");
    expect(settingsIn(recover).CONF).not.toContain("repo1-");
    const { value } = recover.inputs.stdin as Secret;
    expect(value).toContain("repo2-cipher-pass=pass2");
    expect(value).not.toContain("pass1");
    expect(String(recover.inputs.create)).not.toMatch(/pass2|half2|monitor-secret/);
  });

  it("looks at the others anew whenever the first node or the monitor is another one", () => {
    const seen = settingsIn(step("second-recover-look")).SEEN_BY;
    for (const name of ["first-recover", "monitor-monitor"]) {
      expect(seen).toContain(settingsIn(step(name)).INCARNATION);
    }
  });

  it("hands the authority over on standard input", () => {
    expect(step("ca-authority").inputs.stdin).toEqual(new Secret("AUTHORITY='key and certificate'\n"));
  });
});
