import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "../../../settings/nearest.js";
import { parsePlainSettings, parseSettings } from "../../../settings.js";
import { changed, goodSecrets, refusal, smallest } from "./fixture.js";

describe("defaults", () => {
  const settings = parseSettings(smallest(), goodSecrets);

  it("fills in what depends on nothing", () => {
    expect(settings.backup).toMatchObject({ stanza: "main", compressLevel: 3, archiveTimeoutSeconds: 60 });
    expect(settings.backup.repositories[0]).toMatchObject({
      retention: { type: "count", full: 4, diff: 7, archive: 4 },
    });
    expect(settings.alerts.drillStaleSeconds).toBe(691200);
    expect(settings).toMatchObject({ protectData: true, generateSecrets: false, checkDrift: true });
  });

  it("fills in what depends on other settings", () => {
    expect(settings.formation.nodes.map(({ name }) => name)).toEqual(["pgaf-primary", "pgaf-replica"]);
    expect(settings.drill.database).toBe("app");
    const other = changed({ "postgres.database": "shop", "backup.repositories[0].retentionFull": 2 });
    expect(parseSettings(other, goodSecrets)).toMatchObject({
      drill: { database: "shop" },
      backup: { repositories: [{ retention: { full: 2, archive: 2 } }, { number: 2 }] },
    });
  });

  it("does not change what it is given", () => {
    const raw = smallest();
    parseSettings(raw, goodSecrets);
    expect(raw).toEqual(smallest());
  });
});

describe("synchronous standbys", () => {
  const with3 = (number?: number) =>
    changed({
      "formation.nodes[2]": { host: "host-b", address: "10.1.0.14" },
      "formation.numberSyncStandbys": number,
    });

  it("asks for one from three data nodes on, for none with two", () => {
    expect(parseSettings(smallest(), goodSecrets).formation.numberSyncStandbys).toBe(0);
    expect(parseSettings(with3(), goodSecrets).formation).toMatchObject({ numberSyncStandbys: 1 });
    expect(parseSettings(with3(0), goodSecrets).formation.numberSyncStandbys).toBe(0);
  });

  it("refuses one with two data nodes and says why", () => {
    const error = refusal(changed({ "formation.numberSyncStandbys": 1 }));
    expect(error.keys).toEqual(["restorable:formation.numberSyncStandbys"]);
    expect(error.message).toMatch(/commits wait for the standby all the same.*asynchronous only once the monitor/);
  });

  it("refuses as many as there are standbys", () => {
    expect(refusal(with3(2)).message).toContain("Allowed: 0 to 1");
  });
});

describe("errors", () => {
  it("name the key, the wrong value and what is allowed", () => {
    const { message } = refusal(changed({ "formation.nodes[1].address": "10.1.0.300" }));
    expect(message).toContain('restorable:formation.nodes[1].address: "10.1.0.300" is not allowed; it must be an IPv4');
  });

  it("list everything at once: shapes, references, secrets", () => {
    const raw = changed({
      "backup.compressLevel": "high",
      "drill.host": "host-c",
      "formation.nodes[1].name": "pgaf-primary",
      imag: "x",
    });
    expect(refusal(raw, { ...goodSecrets, appPassword: "" }).keys).toEqual([
      "restorable:formation.nodes[1].name",
      "restorable:backup.compressLevel",
      "restorable:drill.host",
      "restorable:appPassword",
      "restorable:imag",
    ]);
  });

  it("say which stack and that nothing was touched, without a stack trace", () => {
    const error = refusal({}, {}, { stack: "prod" });
    expect(error.message).toMatch(/^\d+ problems in the settings of stack prod \(Pulumi\.prod\.yaml\); nothing was/);
    expect(error).toHaveProperty("__pulumiRunError", true);
  });

  it("suggest the known key that is nearest", () => {
    const raw = changed({ "backup.allow": { retentoinCut: true } });
    expect(refusal(raw).message).toContain("retentoinCut: is no known key; did you mean retentionCut?");
    expect(nearest("numbersyncstandby", ["numberSyncStandbys", "nodes"])).toBe("numberSyncStandbys");
    expect(nearest("colour", ["nodes", "monitor"])).toBeUndefined();
  });

  /** The key that is named, a value, and where the value is put when not at the key itself. */
  const single: [key: string, value: unknown, at?: string][] = [
    ["hosts[0].user", "root; reboot"],
    ["hosts[0].hostKey", "key.pub", "hosts[0].hostKeyFile"],
    ["hosts[0].hostKey", undefined],
    ["hosts[1].address", "10.1.0.1"],
    ["hosts[0].network", "a-bridge-too-far"],
    ["formation.nodes", [{ host: "host-a", address: "10.1.0.12" }]],
    ["formation.nodes[1].address", "10.1.0.1"],
    ["formation.nodes[0].name", "pg-restore-drill"],
    ["formation.nodes[0].dataSize", "10GB"],
    ["formation.healthCheck.unhealthyTimeoutMs", 2000, "formation.healthCheck.periodMs"],
    ["backup.repositories[0].endpoint", "https://s3.acme.fr"],
    ["backup.repositories[0].number", 2],
    ["backup.repositories[0].retentionFull", 0],
    ["backup.repositories[0].retentionDiff", 1.5],
    ["backup.repositories[0].retentionArchive", 5],
    ["backup.repositories[0].path", "/a/../b"],
    ["backup.timers.full", ""],
    ["drill.rtoBoundSeconds", 7200],
    ["alerts.runbookUrlPattern", "https://x.fr/runbooks"],
    ["alerts.timeScale", 0.1],
    ["alerts.timeScale", 0],
    ["alerts.walReadySegments", 1.5],
    ["alerts.dataVolumeRatio", 0.95],
    ["alerts.dataVolumeFullRatio", 0.85],
    ["alerts.certificateExpirySeconds", 604800],
    ["postgres.role", "pg_monitor"],
    ["generateSecrets", "yes"],
  ];
  it.each(single)("refuse %s when it is wrong, and nothing else", (key, value, at = key) => {
    expect(refusal(changed({ [at]: value })).keys).toEqual([`restorable:${key}`]);
  });

  it("refuse a store of the stack's own that no repository uses", () => {
    const raw = changed({ objectStore: { host: "host-a", address: "10.1.0.20" } });
    expect(refusal(raw).keys).toEqual(["restorable:objectStore.address"]);
  });
});

describe("for rendering", () => {
  it("needs no secret and takes open host keys as absent", () => {
    const raw = changed({ "hosts[0].hostKey": "<key of host-a>" });
    expect(parsePlainSettings(raw).hosts[0]).not.toHaveProperty("hostKey");
    expect(refusal(raw).keys).toEqual(["restorable:hosts[0].hostKey"]);
  });

  it("refuses an open value that it needs", () => {
    const raw = changed({ "backup.repositories[0].bucket": "CHANGE_ME" });
    expect(() => parsePlainSettings(raw)).toThrow(/bucket: "CHANGE_ME" is still a placeholder/);
  });
});

describe("names", () => {
  it("that are accepted need no quotes in a shell and are Incus instance names", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[\w.$`' -]{1,70}$/), fc.stringMatching(/^[a-z0-9-]+$/)),
        (name) => {
          const raw = changed({ "formation.monitor.name": name });
          try {
            parseSettings(raw, goodSecrets);
          } catch {
            return true;
          }
          return /^[a-z][a-z0-9-]{0,62}$/.test(name) && !name.endsWith("-");
        },
      ),
    );
  });

  it("are taken from any well-formed address", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, (third, fourth) => {
        const address = `172.16.${third}.${fourth}`;
        const raw = changed({ "formation.monitor.address": address });
        return parseSettings(raw, goodSecrets).formation.monitor.address === address;
      }),
    );
  });
});

describe("any input", () => {
  it("is accepted or refused with a SettingsError", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(smallest()), "x"), fc.jsonValue()), (part) => {
        const raw = { ...smallest(), ...part };
        expect(() => {
          try {
            parseSettings(raw as Record<string, unknown>, goodSecrets);
          } catch (error) {
            if ((error as Error).name !== "SettingsError") throw error;
          }
        }).not.toThrow();
      }),
    );
  });
});
