import { describe, expect, it } from "vitest";
import { failoverTest } from "./failoverTest.js";
import { type Change, incus, must, pulumi, sql, up, world } from "./lab.js";

const third: Change = (config) => {
  const formation = config["restorable:formation"];
  formation.nodes.push({ ...formation.nodes[1], name: "pgaf-replica-2", address: `${world.subnet}.14` });
};
const formation = () =>
  sql("pgaf-monitor", "SELECT number_sync_standbys FROM pgautofailover.formation", "pg_auto_failover");
const primaryOf = async () =>
  sql(
    "pgaf-monitor",
    "SELECT nodename FROM pgautofailover.node WHERE reportedstate::text LIKE '%primary'",
    "pg_auto_failover",
  );

describe("H3 synchronous replication", () => {
  it("with two data nodes asks for none, and refuses one with the reason", async () => {
    expect(await formation()).toBe("0");
    const { code, output } = await pulumi(["preview"], (config) => {
      config["restorable:formation"].numberSyncStandbys = 1;
    });
    expect(code).not.toBe(0);
    expect(output).toContain("numberSyncStandbys");
  });

  it("with three data nodes a commit waits for one of two standbys", async () => {
    const { code, output } = await up(third);
    expect(code, output).toBe(0);
    expect(await formation()).toBe("1");
    const primary = await primaryOf();
    expect(await sql(primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'", "postgres")).toBe(
      "2",
    );
    expect(await sql(primary, "SHOW synchronous_standby_names", "postgres")).toMatch(/^ANY 1 /);
    expect(await must("pgaf-replica-2", "systemctl is-active pgbackrest-full.timer")).toBe("active");
  });

  it("H7 with three data nodes the loss of the primary loses nothing, and one of the others takes over", async () => {
    const { code, output, run } = await failoverTest("stop");
    expect(code, output).toBe(0);
    expect(run?.newPrimary).not.toBe(run?.node);
    expect(run?.history).toMatchObject({ lost: 0, doubled: 0, unasked: 0 });
    // The node that leaves next must not be the primary.
    if ((await primaryOf()) === "pgaf-replica-2") expect((await failoverTest("switchover")).code).toBe(0);
    expect(await primaryOf()).not.toBe("pgaf-replica-2");
  });

  it("a node that the settings no longer name leaves the formation and the host", async () => {
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect(await formation()).toBe("0");
    expect(await sql("pgaf-monitor", "SELECT count(*) FROM pgautofailover.node", "pg_auto_failover")).toBe("2");
    expect((await incus("list", "-f", "csv", "-c", "n")).stdout).not.toContain("pgaf-replica-2");
  });
});
