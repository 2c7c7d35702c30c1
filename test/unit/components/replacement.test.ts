import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../../../components/CertificateAuthority.js";
import { HostMetrics } from "../../../components/HostMetrics.js";
import { PgFormation, type PgMember } from "../../../components/PgFormation.js";
import { type Facts, parseFacts } from "../../../remote/facts.js";
import { named, type Registered, settled, startEngine } from "./engine.js";
import { settingsIn, testHost } from "./fixture.js";

let registered: Registered[];

beforeAll(async () => {
  registered = await startEngine("test");
});

beforeEach(() => {
  registered.length = 0;
});

/** Containers and what each container's step waits for, on a host that tells these instances. */
async function containers(facts: Facts): Promise<Record<string, string[]>> {
  const host = testHost({ facts });
  const member = (name: string, last: number): PgMember => ({
    name,
    host,
    address: `10.1.1.${last}`,
    cpu: 2,
    memory: "2GiB",
    dataSize: "10GiB",
  });
  new PgFormation("formation", {
    major: 17,
    image: "new",
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
    authority: new CertificateAuthority("ca", { host }),
    database: "app",
    role: "app",
    clientNetworks: [],
    keepData: true,
    monitorPassword: "m",
    replicationPassword: "r",
    appPassword: "a",
  });
  new HostMetrics("metrics", { host, directory: "/metrics", timers: [], certificates: [] });
  await settled();
  return Object.fromEntries(
    ["monitor", "first", "second"].map((name) => [
      name,
      named(registered, `${name}-container`).dependencies.filter((it) => it !== "alpha-tools"),
    ]),
  );
}

const stand = (image: string, first: string, second: string): Facts => ({
  known: true,
  facts: parseFacts(
    `instance\tmonitor\tu0\tRUNNING\t${image}\t\ninstance\tfirst\tu1\tRUNNING\t${image}\t${first}\ninstance\tsecond\tu2\tRUNNING\t${image}\t${second}\n`,
  ),
});

describe("replacement of a formation's containers", () => {
  it("X13: goes one by one: the monitor, the standby, the primary", async () => {
    expect(await containers(stand("old", "primary", "standby"))).toEqual({
      monitor: [],
      second: ["monitor-monitor"],
      first: ["second-container"],
    });
    for (const name of ["first", "second"]) {
      expect(named(registered, `${name}-node`).dependencies).toContain("first-container");
    }
  });

  it("X13: goes the other way round when the roles are swapped", async () => {
    expect(await containers(stand("old", "standby", "primary"))).toEqual({
      monitor: [],
      first: ["monitor-monitor"],
      second: ["first-container"],
    });
  });

  it("X13: side by side when nothing is replaced; nodes still register in the order of the settings", async () => {
    expect(await containers(stand("new", "standby", "primary"))).toEqual({ monitor: [], first: [], second: [] });
    expect(named(registered, "second-node").dependencies).toContain("first-node");
  });

  it("X13: the order changes no step's text: nothing is left to do after a replacement", async () => {
    await containers(stand("old", "primary", "standby"));
    const during = settingsIn(named(registered, "metrics-step")).ENV_FILE;
    registered.length = 0;
    await containers(stand("new", "standby", "primary"));
    expect(settingsIn(named(registered, "metrics-step")).ENV_FILE).toBe(during);
    expect(during).toContain("first-data");
  });

  it("X13: each container knows what it is in the formation", async () => {
    await containers(stand("new", "primary", "standby"));
    expect(settingsIn(named(registered, "first-container"))).toMatchObject({
      MEMBER: "data",
      MAJOR: "17",
      PGDATA: "/var/lib/postgresql/17/pgaf/node",
    });
    expect(settingsIn(named(registered, "monitor-container"))).toMatchObject({
      MEMBER: "monitor",
      PGDATA: "/var/lib/postgresql/17/pgaf/monitor",
    });
  });
});
