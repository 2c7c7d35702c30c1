import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../../components/CertificateAuthority.js";
import { PgBackrestNode } from "../../../components/PgBackrestNode.js";
import { PgFormation, type PgMember } from "../../../components/PgFormation.js";
import { parseFacts } from "../../../remote/facts.js";
import { mebibytes } from "../../../render/size.js";
import { outageSchema } from "../../../settings/outage.js";
import { known, named, type Registered, Secret, settled, startEngine } from "./engine.js";
import { settingsIn, testHost, words } from "./fixture.js";

let registered: Registered[];
let formation: PgFormation;

const member = (host: PgMember["host"], name: string, last: number): PgMember => ({
  name,
  host,
  address: `10.1.1.${last}`,
  cpu: 2,
  memory: "2GiB",
  dataSize: "10GiB",
});

beforeAll(async () => {
  registered = await startEngine("test");
  const host = testHost({ facts: { known: true, facts: parseFacts("") } });
  const authority = new CertificateAuthority("ca", { host });
  formation = new PgFormation("formation", {
    major: 17,
    image: "restorable-pg17",
    monitor: member(host, "monitor", 11),
    nodes: [member(host, "first", 12), member(host, "second", 13), member(host, "third", 14)],
    numberSyncStandbys: 1,
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
    clientNetworks: ["10.0.0.0/8", "192.168.0.0/16"],
    keepData: true,
    monitorPassword: pulumi.secret("monitor-secret"),
    replicationPassword: pulumi.secret("replication-secret"),
    appPassword: pulumi.secret("pass/word?&@:"),
  });
  const backups = formation.nodes.map(
    (node) =>
      new PgBackrestNode(
        `${node.member.name}-pgbackrest`,
        {
          node,
          backup: {
            stanza: "main",
            major: 17,
            repositories: [repository],
            compressLevel: 3,
            blockIncremental: true,
            outage: outageSchema.parse({}),
          },
          timers: {
            randomizedDelaySeconds: 1,
            repositories: [{ number: 1, full: "Sun 02:00 UTC", diff: "Mon 02:00 UTC" }],
          },
          metricsDirectory: "/metrics",
          database: "app",
          secrets: [{ number: 1, key: "key-secret", keySecret: "half-secret", cipherPass: pulumi.secret("cipher") }],
          archiveTimeoutSeconds: 60,
          allow: { retentionCut: false, cipherChange: true, newSystemIdentifier: false, pathChange: false },
          storeCa: "",
        },
        { dependsOn: formation.ready },
      ),
  );
  for (const backup of backups) backup.stanza(backups.map(({ configured }) => configured));
  await settled();
});

const repository = {
  number: 1,
  endpoint: "s3.example.org",
  port: 443,
  bucket: "backups",
  path: "/pgbackrest",
  region: "eu",
  uriStyle: "path" as const,
  retention: { type: "count" as const, full: 4, diff: 7, archive: 4 },
};

const step = (name: string) => named(registered, name);

describe("PgFormation", () => {
  it("brings members up one after the other: the first to register becomes the primary", () => {
    expect(step("first-node").dependencies).toContain("monitor-monitor");
    expect(step("second-node").dependencies).toContain("first-node");
    expect(step("third-node").dependencies).toContain("second-node");
    expect(step("formation-policy").dependencies).toContain("third-attached");
    for (const name of ["first", "second", "third"]) {
      expect(step(`${name}-application`).dependencies).toContain("formation-policy");
    }
  });

  it("looks at each node once more, for itself: one before the primary in the settings had to pass it by", () => {
    for (const name of ["first", "second", "third"]) {
      const again = step(`${name}-attached`);
      expect(again.dependencies).toContain("third-node");
      expect(again.dependencies.filter((other) => other.endsWith("-attached"))).toEqual([]);
      expect(settingsIn(again)).toEqual({ ...settingsIn(step(`${name}-node`)), WAITS: "1" });
      expect(words(again.inputs.create)).toContain(`${name}.attached`);
    }
    expect(settingsIn(step("first-node")).WAITS).toBe("0");
  });

  it("has every node look at a monitor that was made anew", () => {
    const { INCARNATION } = settingsIn(step("monitor-monitor"));
    expect(INCARNATION).toBeTruthy();
    for (const name of ["first", "second", "third"]) {
      expect(settingsIn(step(`${name}-node`)).MONITOR_INCARNATION).toBe(INCARNATION);
    }
  });

  it("makes containers side by side", () => {
    for (const name of ["monitor", "first", "second", "third"]) {
      expect(step(`${name}-container`).dependencies).toEqual(["alpha-tools"]);
    }
  });

  it("runs each step in its container, and lets it go with the container", () => {
    const { dependencies, deletedWith, inputs } = step("second-node");
    expect(dependencies).toContain("second-container");
    expect(deletedWith).toBe("second-container");
    expect(words(inputs.create).slice(0, 7)).toEqual([
      "pg-node",
      "--project",
      "restorable",
      "--as",
      "second",
      "--container",
      "second",
    ]);
  });

  it("tells every node of the monitor and of who may connect", () => {
    expect(settingsIn(step("second-node"))).toMatchObject({
      NAME: "second",
      ADDRESS: "10.1.1.13",
      MONITOR: "10.1.1.11",
      CLIENT_NETWORKS: "10.0.0.0/8 192.168.0.0/16",
    });
    expect(settingsIn(step("formation-policy"))).toMatchObject({
      NUMBER_SYNC_STANDBYS: "1",
      NODE_NAMES: "first second third",
    });
  });

  it("lets the authority sign a key that never leaves its container", () => {
    expect(words(step("first-tls-key").inputs.create)).toContain("--container");
    const certificate = step("first-tls-certificate");
    expect(certificate.dependencies).toEqual(expect.arrayContaining(["ca-authority", "first-tls-key"]));
    expect(settingsIn(certificate).REQUEST).toBe("first-tls-key stdout");
    expect(settingsIn(step("first-node")).CERTIFICATE).toBe("first-tls-certificate stdout");
  });

  it("gives one URI for all nodes: for writing, verified, the password escaped, secret", async () => {
    expect(await known(formation.uri)).toEqual({
      secret: true,
      value:
        "postgres://app:pass%2Fword%3F%26%40%3A@10.1.1.12:5432,10.1.1.13:5432,10.1.1.14:5432/app" +
        "?target_session_attrs=read-write&sslmode=verify-full&connect_timeout=2",
    });
  });

  it("tries the application's login with the same URI, its password on standard input", () => {
    const application = step("second-application");
    expect(settingsIn(application).URI).toBe(
      "postgres://app@10.1.1.12:5432,10.1.1.13:5432,10.1.1.14:5432/app" +
        "?target_session_attrs=read-write&sslmode=verify-full&connect_timeout=2&sslrootcert=/etc/restorable/tls/ca.crt",
    );
    expect(application.inputs.stdin).toEqual(new Secret("APP_PASSWORD='pass/word?&@:'\n"));
  });
});

describe("PgBackrestNode", () => {
  it("V4: takes its secrets by standard input alone, also those that were not marked", () => {
    const { inputs } = step("first-pgbackrest-configuration");
    const { value } = inputs.stdin as Secret;
    expect(value).toContain("repo1-s3-key=key-secret\nrepo1-s3-key-secret=half-secret\nrepo1-cipher-pass=cipher\n");
    expect(String(inputs.create)).not.toMatch(/key-secret|half-secret|cipher-pass/);
  });

  it("hands the overrides over as 0 and 1", () => {
    const { ALLOW_RETENTION_CUT, ALLOW_CIPHER_CHANGE } = settingsIn(step("first-pgbackrest-configuration"));
    expect({ ALLOW_RETENTION_CUT, ALLOW_CIPHER_CHANGE }).toEqual({
      ALLOW_RETENTION_CUT: "0",
      ALLOW_CIPHER_CHANGE: "1",
    });
  });

  it("creates the stanza once archiving is on on every node", () => {
    const all = ["first", "second", "third"].map((name) => `${name}-pgbackrest-configuration`);
    for (const name of ["first", "second", "third"]) {
      expect(step(`${name}-stanza`).dependencies).toEqual(expect.arrayContaining(all));
    }
  });
});

describe("mebibytes", () => {
  it.each([
    ["512MiB", 512],
    ["2GiB", 2048],
    ["1TiB", 1048576],
  ])("%s is %i", (size, expected) => expect(mebibytes(size)).toBe(expected));

  it.each(["2GB", "2 GiB", "GiB", ""])("refuses %j", (size) => expect(() => mebibytes(size)).toThrow(/expected a/));
});
