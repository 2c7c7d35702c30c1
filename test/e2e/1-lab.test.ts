import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  cli,
  drill,
  inside,
  metric,
  metrics,
  must,
  primary,
  pulumi,
  root,
  run,
  runLab,
  sql,
  up,
  world,
} from "./lab.js";

describe("the lab as it stands", () => {
  it("V6 H1 has a primary and a synchronous standby", async () => {
    const states = await must(
      "pgaf-monitor",
      "cd /; runuser -u postgres -- pg_autoctl show state --json --pgdata /var/lib/postgresql/17/pgaf/monitor",
    );
    const nodes = JSON.parse(states) as { nodename: string; current_group_state: string }[];
    expect(nodes.map(({ current_group_state }) => current_group_state).sort()).toEqual(["primary", "secondary"]);
    expect(await sql("pgaf-primary", "SELECT sync_state FROM pg_stat_replication", "postgres")).toMatch(
      /^(sync|quorum)$/,
    );
  });

  it("H6 lets the application in over verified TLS with its password, at the formation's address", async () => {
    const outputs = JSON.parse((await runLab("outputs", ["--show-secrets"])).stdout) as Record<string, string>;
    const script = `umask 077; cat >/tmp/ca.crt; psql -X -qAt -d "$(cat /tmp/uri)&sslrootcert=/tmp/ca.crt" -c 'SELECT count(*) FROM users'; rm -f /tmp/uri /tmp/ca.crt`;
    await must("pgaf-replica", "umask 077; cat >/tmp/uri", outputs.formationUri);
    expect(await must("pgaf-replica", script, outputs.caCertificate)).toBe("1000");
  });

  it("V4 V5 keeps checksums, archiving and TLS on", async () => {
    const show = (name: string) => sql("pgaf-primary", `SHOW ${name}`, "postgres");
    expect(await show("data_checksums")).toBe("on");
    expect(await show("archive_mode")).toBe("on");
    expect(await show("archive_timeout")).toBe("1min");
    expect(await show("ssl")).toBe("on");
    expect(await show("password_encryption")).toBe("scram-sha-256");
    const rules = await sql(
      "pgaf-primary",
      "SELECT type, address, auth_method FROM pg_hba_file_rules WHERE auth_method IN ('trust', 'md5', 'password') OR type = 'host' AND address NOT IN ('127.0.0.1', '::1')",
      "postgres",
    );
    expect(rules).toBe("");
  });

  it("V7 has its timers on every data node and the drill's on the host only", async () => {
    for (const node of ["pgaf-primary", "pgaf-replica"]) {
      const timers = await must(node, "systemctl list-timers --all --no-legend --no-pager");
      const backups = ["full", "diff", "full-repo2", "diff-repo2"].map((job) => `pgbackrest-${job}`);
      for (const name of [...backups, "restorable-heartbeat"]) expect(timers).toContain(`${name}.timer`);
      expect(timers).not.toContain("pgbackrest-drill");
    }
    for (const name of ["pgbackrest-drill", "pgbackrest-drill-repo2"])
      expect(await must(world.host.name, `systemctl is-enabled ${name}.timer`)).toBe("enabled");
  });

  it("V7 a job on the standby ends quietly", async () => {
    const standby = (await primary()) === "pgaf-primary" ? "pgaf-replica" : "pgaf-primary";
    expect((await inside(standby, "systemctl start pgbackrest-diff.service")).code).toBe(0);
  });

  it.each([1, 2])(
    "V8 V9 X2 P4 has passed a drill of repository %i, with its figures in the metrics",
    async (number) => {
      const text = await metrics(number);
      expect(metric(text, "backup_drill_last_success", 'reason="none"')).toBe(1);
      expect(metric(text, "backup_drill_outcome", 'outcome="pass"')).toBe(1);
      expect(metric(text, "backup_drill_outcome", 'outcome="fail"')).toBe(0);
      expect(metric(text, "backup_drill_smoke_rows")).toBe(1000);
      expect(metric(text, "backup_drill_restore_duration_seconds")).toBeLessThan(1800);
      expect(metric(text, "backup_drill_rpo_seconds")).toBeLessThan(600);
      const served = await must(
        world.host.name,
        "curl -sf http://127.0.0.1:9100/metrics | grep -c '^veza_backup_drill_'",
      );
      expect(Number(served)).toBeGreaterThan(5);
    },
  );

  it("prints the outputs with secrets masked", async () => {
    const { code, stdout } = await runLab("outputs");
    expect(code).toBe(0);
    const outputs = JSON.parse(stdout) as Record<string, unknown>;
    expect(outputs.formationUri).toBe("[secret]");
    expect(outputs.stanza).toBe("main");
    expect(outputs.drillHost).toEqual({ name: "lab-host", address: world.host.address });
  });

  it("renders exactly what stands on the hosts", async () => {
    const render = async (what: string) =>
      (await run(["node", "lab/cli.mjs", "render", what, "--stack", "lab"])).stdout
        .replaceAll("10.77.0.", `${world.subnet}.`)
        .replaceAll("restorable-lab", world.incusProject);
    expect((await must("pgaf-primary", "cat /etc/pgbackrest/pgbackrest.conf")).trim()).toBe(
      (await render("pgbackrest.conf")).trim(),
    );
    expect((await must("monitoring", "cat /etc/prometheus/rules/restorable.yml")).trim()).toBe(
      (await render("alerts")).trim(),
    );
    const units = parse(await render("units")) as Record<string, string>;
    for (const [path, content] of Object.entries(units)) {
      const where = path.includes("drill") ? world.host.name : "pgaf-primary";
      expect(await must(where, `cat ${path}`), path).toBe(content.trim());
    }
  });

  it("leaves Pulumi.lab.yaml as shipped", async () => {
    expect(readFileSync(join(root, "Pulumi.lab.yaml"), "utf8")).not.toContain("encryptionsalt");
  });
});

describe("run again", () => {
  it("npm run lab changes nothing and says so", async () => {
    const started = Date.now();
    const { code, output } = await runLab("up");
    console.log(`second run: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    expect(output).toContain("nothing had to be changed");
    expect(code).toBe(0);
  });

  it("V3 X12 a changed retention previews only the steps it touches, with the changed line", async () => {
    const { code, output } = await pulumi(["preview", "--diff"], (config) => {
      config["restorable:backup"].repositories[0].retentionFull = 5;
    });
    expect(code, output).toBe(0);
    expect(output).toMatch(/-\s+repo1-retention-full=4/);
    expect(output).toMatch(/\+\s+repo1-retention-full=5/);
    expect(output).toMatch(/~ 3 to update/);
    const updated = [...output.matchAll(/\[urn=[^\]]*::([\w-]+)\]/g)].map(([, name]) => name);
    for (const name of updated)
      expect(name).toMatch(/pgbackrest-configuration$|^drill-drill$|^restorable-lab$|^lab$|organization/);
  });

  it("V4 the change takes effect, and back", async () => {
    const grown = await up((config) => {
      config["restorable:backup"].repositories[0].retentionFull = 5;
      config["restorable:offsite"].retentionDays = 31;
    });
    expect(grown.code, grown.output).toBe(0);
    expect(await must("pgaf-replica", "grep repo1-retention-full= /etc/pgbackrest/pgbackrest.conf")).toBe(
      "repo1-retention-full=5",
    );
    const refused = await up();
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain("restorable:backup.allow.retentionCut");
    expect(refused.output).toContain("repository 1 would keep 4 instead of 5");
    expect(refused.output).toContain("repository 2 would keep 30 days instead of 31 days");
    expect(await must("pgaf-replica", "grep repo1-retention-full= /etc/pgbackrest/pgbackrest.conf")).toBe(
      "repo1-retention-full=5",
    );
    const allowed = await up((config) => {
      config["restorable:backup"].allow.retentionCut = true;
    });
    expect(allowed.code, allowed.output).toBe(0);
    const settled = await up();
    expect(settled.code, settled.output).toBe(0);
  });

  it("X12 another stack reads the outputs through StackReference", async () => {
    const { pulumi: binary, env } = await cli();
    const consumer = (...args: string[]) =>
      run(
        [
          binary,
          ...args,
          "--cwd",
          "examples/consumer",
          "--stack",
          "consumer-e2e",
          "--non-interactive",
          "--color=never",
        ],
        { env },
      );
    try {
      const made = await run(
        [binary, "stack", "init", "consumer-e2e", "--cwd", "examples/consumer", "--non-interactive"],
        { env },
      );
      expect(made.code, made.output).toBe(0);
      const deployed = await consumer("up", "--yes", "--skip-preview");
      expect(deployed.code, deployed.output).toBe(0);
      const read = JSON.parse((await consumer("stack", "output", "--json")).stdout) as Record<string, unknown>;
      expect(read.databaseUrl).toBe("[secret]");
      expect(read.backupEndpoints).toEqual([20, 22].map((last) => `https://${world.subnet}.${last}:9000`));
    } finally {
      await consumer("stack", "rm", "--yes", "--force");
      rmSync(join(root, "examples/consumer/Pulumi.consumer-e2e.yaml"), { force: true });
    }
  });

  it("V8 a drill by hand counts like a timed one", async () => {
    const before = metric(await metrics(), "backup_drill_last_run_timestamp_seconds");
    const { code, output, metrics: after } = await drill();
    expect(code, output).toBe(0);
    expect(metric(after, "backup_drill_last_run_timestamp_seconds")).toBeGreaterThan(before);
  });
});
