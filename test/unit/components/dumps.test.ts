import { beforeAll, describe, expect, it } from "vitest";
import { named, type Registered, Secret, settled, startEngine } from "./engine.js";
import { hostKey, settingsIn, useShipped, words } from "./fixture.js";

let registered: Registered[];

beforeAll(async () => {
  registered = await startEngine("lab");
  useShipped("lab", (config) => ({
    ...config,
    "restorable:dumps": {
      hosts: [{ name: "docker-1", address: "10.77.0.60", hostKey }],
      upload: true,
      jobs: [
        { kind: "postgres", host: "docker-1", container: "pg" },
        { kind: "k3s_pvc", host: "lab-host" },
      ],
    },
  }));
  await import("../../../index.js");
  await settled();
}, 120_000);

const step = (name: string) => named(registered, name);

describe("a host of dumps", () => {
  it("gets the scripts without Incus being asked for", () => {
    const text = String(step("docker-1-tools").inputs.create);
    expect(text).not.toContain("incus");
    expect(step("docker-1-tools").parent).toBe("docker-1");
    expect(registered.find(({ name }) => name === "docker-1")?.type).toBe("restorable:index:RemoteHost");
    expect(String(step("lab-host-tools").inputs.create)).toContain("incus project show restorable-lab");
  });

  it("gets its dump: a step without an Incus project, after the scripts", () => {
    const it = step("docker-1-dump-postgres-step");
    expect(String(it.inputs.create)).not.toContain("--project");
    expect(it.dependencies).toContain("docker-1-tools");
    expect(settingsIn(it)).toMatchObject({
      KIND: "postgres",
      DIRECTORY: "/opt/postgres_dump",
      PROGRAMS: "docker age rclone",
      UNITS: "",
      STORE_CA: "restorable-authority stdout",
    });
    expect(settingsIn(it).ENV_FILE).toContain("CONTAINER='pg'\nDUMP_USER='postgres'\n");
    expect(words(it.inputs.delete)[0]).toBe("dump-host-remove");
  });

  it("has the key of the bucket on standard input only, and public keys alone in the open", () => {
    const { stdin, create } = step("docker-1-dump-postgres-step").inputs;
    expect(stdin).toBeInstanceOf(Secret);
    expect(String((stdin as Secret).value)).toMatch(/^RCLONE_CONF='\[exports\]/);
    expect(String(create)).not.toContain("AGE-SECRET-KEY");
    expect(String(create)).not.toContain("secret_access_key");
  });

  it("an Incus host may have one too, and is one host", () => {
    expect(String(step("lab-host-dump-k3s_pvc-step").inputs.create)).toContain("--project restorable-lab");
    expect(registered.filter(({ name }) => name === "lab-host")).toHaveLength(1);
  });

  it("is scraped, and its dumps are expected", () => {
    const { RULES, CONFIG } = settingsIn(step("monitoring-prometheus"));
    expect(CONFIG).toContain("10.77.0.60:9100");
    expect(CONFIG).toContain("role: dump");
    expect(RULES).toContain(
      'absent(veza_dump_last_success_timestamp_seconds{stanza="main",kind="k3s_pvc",host="lab-host"})',
    );
  });
});
